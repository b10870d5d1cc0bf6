"""gh's stored login: its hosts.yml, or the keychain that gh reads for us.

github.com/cli/go-gh, pkg/auth and pkg/config: the token stands below its host, or is
in the keychain where it does not.

Whether a token opens packages: asked of GitHub once, the answer remembered.

A registry refuses even public images to who shows a token that is invalid or too
narrow, so such a token is worse than none. The token itself is never kept: the
remembered answer is filed under a digest of it.
"""

from __future__ import annotations

import os
import time

from dockcred.errors import IssueError, MissingIdentityError, TransportError
from dockcred.identity.cache.files import Cache
from dockcred.providers.github.hosts import gh_file
from dockcred.system import child_program, log, machine, process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

TIMEOUT_S = 5.0
_MAX_BYTES = 256 * 1024


class GhLogin:
    """Who is logged in to one GitHub, with the token where the file holds it."""

    __slots__ = ("token", "user")

    def __init__(self, user: str, token: str) -> None:
        """Hold both; either may be empty."""
        self.user = user
        self.token = token

    def __repr__(self) -> str:
        """Show whose it is."""
        return f"GhLogin({self.user!r}, token=…)"


def login(github: str, environment: Environment) -> GhLogin | None:
    """Return the login for a GitHub, None where there is none."""
    try:
        with open(gh_file(environment), encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_BYTES)
    except OSError:
        return None
    found = _section(text, github)
    if found is None:
        return None
    token = found.get("oauth_token") or _from_keychain(github, environment)
    return GhLogin(found.get("user", ""), token)


def _section(text: str, github: str) -> dict[str, str] | None:
    """Read a host's own settings out of hosts.yml: one level below its name."""
    found: dict[str, str] | None = None
    depth = 0
    for line in text.split("\n"):
        bare = line.strip()
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        name, _, value = bare.partition(":")
        name, value = name.strip("\"'"), value.strip().strip("\"'")
        if indent == 0:
            if found is not None:
                break
            found, depth = ({}, 0) if name.lower() == github else (None, 0)
        elif found is not None:
            depth = depth or indent
            if indent == depth:
                found[name] = value
    return found


def _from_keychain(github: str, environment: Environment) -> str:
    program = child_program.find("gh", environment)
    if not program:
        raise MissingIdentityError(
            "gh's login is in the keychain, and no gh is found on PATH to read it",
            "install gh, or set GH_TOKEN",
        )
    outcome = child_program.run(
        [program, "auth", "token", "--hostname", github],
        environment,
        kind="gh",
        timeout_s=min(TIMEOUT_S, max(0.5, process.remaining_s() - 1)),
        variables={"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1"},
    )
    lines = [line.strip() for line in outcome.output.split("\n") if line.strip()]
    token = lines[-1] if lines else ""
    if outcome.status != 0 or not token or " " in token or not token.isprintable():
        raise IssueError(
            f"gh did not hand out its login (status {outcome.status})",
            f"run: gh auth status --hostname {github}",
        )
    return token


GOOD = "good"
SCOPES = frozenset({"read:packages", "write:packages"})
_GOOD_S, _BAD_S, _UNKNOWN_S = 3600.0, 300.0, 60.0
_FINE_GRAINED = "github_pat_"
_UNAUTHORIZED = 401


def of(token: str, api: str, environment: Environment) -> str:
    """Return GOOD, or what is wrong with the token and how to fix it.

    A token that GitHub cannot be asked about is given the benefit of the doubt.
    """
    if token.startswith(_FINE_GRAINED):
        return (
            "is fine-grained, and packages take classic tokens only; "
            "create one with the scope read:packages"
        )
    cache = Cache(machine.locate(environment))
    name = f"github-verdict,{_digest(token, api)}"
    if held := _held(cache, name):
        return held
    said, holds_s = _ask(token, api, environment)
    cache.write_text(name, said, time.time() + holds_s)
    return said


def _held(cache: Cache, name: str) -> str:
    """Return what was remembered, if its time (the file's mtime) is not over."""
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
