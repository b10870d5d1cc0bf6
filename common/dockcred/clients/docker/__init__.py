"""Docker: config.json, and what docker does with it."""
