"""What strangers need to try and to test credential helpers: shipped, not private."""
