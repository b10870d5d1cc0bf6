"""The machine under us: its files, its processes, and what tells it from another."""
