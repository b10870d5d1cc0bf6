"""The machine under us: its files, and what tells one machine from another."""
