"""What the token service reads for its upstream mode: distribution-oauth's names."""

from __future__ import annotations

VARIABLES = (
    "TOKEN_URL",
    "CLIENT_ID",
    "SCOPE",
    "PASS_JWT_USERNAME",
    "ANON_USERNAME",
    "ANON_KUBE_JWT",
)

SECRETS = ("ANON_PASSWORD",)

DROPPED = {
    "SESSION_KEY": "nothing is kept in a cookie",
    "LOG_LEVEL": "DOCKCRED_LOG says the level",
}
