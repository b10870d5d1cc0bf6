"""Parse the request of `store`, and write messages: no successful `get` needs this.

It does as docker's own helpers were seen to do
(github.com/docker/docker-credential-helpers, credentials/credentials.go).
"""

from __future__ import annotations

from dockcred.credential import MAX_STORE_BYTES, Credential, ServerURL
from dockcred.errors import CredentialsNotFoundError, InvalidInputError, WireError
from dockcred.system.machine import parent_program

_LINE = 1000


class MissingUsernameError(WireError):
    """The credential to be stored names no user."""

    sentence = "no credentials username"


def parse_store(text: bytes) -> tuple[ServerURL, Credential]:
    """Read the request of `store`: JSON, keys in any case, garbage after it ignored.

    Raises InvalidInputError, MissingServerURLError or MissingUsernameError.
    """
    if len(text) > MAX_STORE_BYTES:
        raise InvalidInputError("the credential to store is longer than 8 MiB")
    if not text.strip():
        raise InvalidInputError("EOF")
    fields = _json_object(text.decode("utf-8", "replace").lstrip("\ufeff \t\r\n"))
    server = ServerURL.parse(fields.get("serverurl", ""))
    if not fields.get("username"):
        raise MissingUsernameError
    return server, Credential(fields["username"], fields.get("secret", ""))


def _json_object(text: str) -> dict[str, str]:
    """Read the first JSON value as an object of strings, its keys in lower case."""
    import json  # noqa: PLC0415 - 25 M instructions that only `store` pays

    try:
        value, _ = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        raise InvalidInputError(
            "the credential to store is not JSON", "send one JSON object"
        ) from None
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise InvalidInputError("the credential to store is not a JSON object")
    fields = {}
    for key, item in value.items():
        name = key.lower()
        if name not in {"serverurl", "username", "secret"} or item is None:
            continue
        if not isinstance(item, str):
            raise InvalidInputError(f"{name} of the credential is not a string")
        # A lone surrogate cannot be kept as UTF-8; Go reads it as U+FFFD too.
        fields[name] = item.encode("utf-16", "surrogatepass").decode(
            "utf-16", "replace"
        )
    return fields


def hint_at_miss(error: WireError) -> str:
    """Return a line for stderr after a miss if Nomad's agent is the caller, else "".

    The agent takes the standard sentence for a failure, and shows only stderr.
    """
    missed = isinstance(error, CredentialsNotFoundError)
    if not missed or not parent_program().startswith("nomad"):
        return ""
    return (
        "nothing answers for this registry, which Nomad takes for a failure; set "
        "DOCKCRED_ON_MISS=empty for the agent to have it pulled anonymously"
    )


def message_line(text: str) -> bytes:
    """Return a message as one ASCII line without control characters."""
    text = " ".join(text.split())
    clean = "".join(c if c.isprintable() else "?" for c in text)
    if len(clean) > _LINE:
        clean = clean[:_LINE] + "..."
    return clean.encode("ascii", "backslashreplace") + b"\n"
