"""Many programs change the same files at once: no change that succeeded is lost."""
