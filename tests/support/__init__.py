"""Code that the tests share, such as running programs and reading cache files."""
