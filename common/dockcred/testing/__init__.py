"""Tools to test credential helpers, for users too; shipped with the package."""
