"""What the tests share: running programs, and looking into the cache's files."""
