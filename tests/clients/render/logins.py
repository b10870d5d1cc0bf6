"""Invented logins for tests, which no registry accepts."""

from __future__ import annotations

from dockcred.clients.entries import Login
from dockcred.credential import Credential

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
USER = "AWS"
SECRET = "s3cr3t/+=:"
AUTH = "QVdTOnMzY3IzdC8rPTo="
"""The base64 of `AWS:s3cr3t/+=:`."""
ENDS = 1_800_000_000


def login(
    registry: str = HOST,
    user: str = USER,
    secret: str = SECRET,
    ends: float | None = None,
) -> Login:
    return Login(registry, Credential(user, secret, expires_at=ends))


TOKEN = login(user="<token>", secret="refresh")
