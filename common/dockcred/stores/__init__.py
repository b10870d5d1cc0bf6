"""Places that keep secrets: one file per place, one matching rule over them all."""
