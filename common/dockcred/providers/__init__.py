"""One package per identity system; none imports another."""
