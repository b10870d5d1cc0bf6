"""Variables that say where the user and password of any other registry are."""

from __future__ import annotations

PASSWORDS = (
    "DOCKCRED_SECRET_PASSWORD_COMMAND",
    "DOCKCRED_SECRET_PASSWORD_FILE",
    "DOCKCRED_SECRET_PASSWORD_VARIABLE",
)
PLACES = (
    "DOCKCRED_SECRET_USERNAME",
    "DOCKCRED_SECRET_USERNAME_COMMAND",
    "DOCKCRED_SECRET_USERNAME_FILE",
    "DOCKCRED_SECRET_USERNAME_VARIABLE",
    *PASSWORDS,
)
"""They say where user and password are, for hosts that config.toml names."""

VARIABLES = PLACES

SECRETS = ("DOCKER_AUTH_CONFIG",)

MEANINGS = {
    "DOCKCRED_SECRET_USERNAME": 'the user, for registries with `identity = "secret"`',
    "DOCKCRED_SECRET_USERNAME_COMMAND": "the program that prints the user",
    "DOCKCRED_SECRET_USERNAME_FILE": "the file that has the user",
    "DOCKCRED_SECRET_USERNAME_VARIABLE": "the variable that has the user",
    "DOCKCRED_SECRET_PASSWORD_COMMAND": "the program that prints the password, with "
    "its arguments, as words or as a JSON list",
    "DOCKCRED_SECRET_PASSWORD_FILE": "the file that has the password",
    "DOCKCRED_SECRET_PASSWORD_VARIABLE": "the variable that has the password",
}
"""What our own variables mean, for the manual and the documentation."""
