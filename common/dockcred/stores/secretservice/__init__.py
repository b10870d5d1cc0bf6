"""The Secret Service of a desktop, and the D-Bus that is spoken to it."""
