"""Whether a token opens packages: asked of GitHub once, the answer remembered.

A registry refuses even public images to who shows a token that is invalid or too
narrow, so such a token is worse than none. The token itself is never kept: the
remembered answer is filed under a digest of it.
"""

from __future__ import annotations

import os
import time

from dockcred import log
from dockcred.cache import directory
from dockcred.cache.files import Cache
from dockcred.errors import TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

GOOD = "good"
SCOPES = frozenset({"read:packages", "write:packages"})
_GOOD_S, _BAD_S, _UNKNOWN_S = 3600.0, 300.0, 60.0
_FINE_GRAINED = "github_pat_"
_UNAUTHORIZED = 401


def of(token: str, api: str, environment: Environment) -> str:
    """Answer GOOD, or what is wrong with the token and how to mend it.

    A token that GitHub cannot be asked about is given the benefit of the doubt.
    """
    if token.startswith(_FINE_GRAINED):
        return (
            "is fine-grained, and packages take classic tokens only; "
            "create one with the scope read:packages"
        )
    cache = Cache(directory.locate(environment))
    name = f"github-verdict,{_digest(token, api)}"
    if held := _held(cache, name):
        return held
    said, holds_s = _ask(token, api, environment)
    cache.write_text(name, said, time.time() + holds_s)
    return said


def _held(cache: Cache, name: str) -> str:
    """Answer what was remembered, if its time (the file's mtime) is not over."""
    said = cache.read_text(name)
    try:
        left = os.stat(f"{cache.path}/{name}").st_mtime - time.time()
    except OSError:
        return ""
    return said if 0 < left <= _GOOD_S else ""


def _ask(token: str, api: str, environment: Environment) -> tuple[str, float]:
    from dockcred.providers.github.api import about  # noqa: PLC0415 - once an hour

    try:
        answer = about(token, api, environment)
    except TransportError as error:
        log.info(f"the token's scopes are not known: {error}")
        return GOOD, _UNKNOWN_S
    if answer.status == _UNAUTHORIZED:
        return "is invalid, expired or revoked; renew it", _BAD_S
    scopes = answer.headers.get("x-oauth-scopes")
    if scopes is None:
        # A token of an App or a job has permissions instead, which nothing tells.
        return GOOD, _GOOD_S
    held = {scope.strip() for scope in scopes.split(",")}
    if held.isdisjoint(SCOPES):
        return (
            "lacks the scope read:packages; run gh auth refresh -s read:packages",
            _BAD_S,
        )
    return GOOD, _GOOD_S


def _digest(token: str, api: str) -> str:
    import hashlib  # noqa: PLC0415 - a person's token is not on the cached path

    return hashlib.sha256(f"{api}\n{token}".encode()).hexdigest()
