"""gh's stored login: its hosts.yml, or the keychain that gh reads for us.

github.com/cli/go-gh, pkg/auth and pkg/config: the token stands below its host, or is
in the keychain where it does not. The file is YAML, of which we read what gh writes;
where one line is anything else, gh is asked.

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
from dockcred.system import child_program, log, machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockcred.system.environment import Environment

_MAX_BYTES = 256 * 1024
_OWN = 2
_PLAIN = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/@+ "
)


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
    found = settings(github, environment)
    if found is None:
        return None
    where = "in the keychain" if found else "in a file of a form that gh alone reads"
    token = found.get("oauth_token") or _from_gh(github, environment, where)
    return GhLogin(found.get("user", ""), token)


def settings(github: str, environment: Environment) -> dict[str, str] | None:
    """Return what gh's file says of a GitHub, None where there is no login.

    Empty where there may be one, and gh alone can tell.
    """
    try:
        with open(gh_file(environment), "rb") as file:
            data = file.read(_MAX_BYTES)
    except OSError:
        return None
    try:
        return _settings(data.decode()).get(github)
    except ValueError:
        return {} if github.encode() in data else None


def _settings(text: str) -> dict[str, dict[str, str]]:
    """Read each host's own settings out of hosts.yml: what is one level below its name.

    Raises ValueError for all but mappings of plain and simply quoted words, as gh
    writes them.
    """
    found: dict[str, dict[str, str]] = {}
    host: dict[str, str] = {}
    # The mappings that are open: how far each is indented, and the names in it.
    levels: list[tuple[int, set[str]]] = [(0, set())]
    may_open = False
    for line in text.split("\n"):
        bare = line.strip(" \r")
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        if indent > levels[-1][0]:
            if not may_open:
                raise ValueError("indented where nothing is open")
            levels.append((indent, set()))
        while levels[-1][0] > indent:
            levels.pop()
        name, colon, rest = bare.partition(":")
        if levels[-1][0] != indent or not colon or rest[:1] not in {"", " "}:
            raise ValueError("no line of a mapping")
        name, value = _word(name), _word(rest.strip(" "))
        if not name or name in levels[-1][1]:
            raise ValueError("a name is missing, or there twice")
        levels[-1][1].add(name)
        may_open = not rest.strip(" ")
        if len(levels) == 1:
            found[name] = host = {}
        elif len(levels) == _OWN:
            host[name] = value
    return found


def _word(text: str) -> str:
    """Return a plain or simply quoted word; ValueError where it is anything else."""
    quoted = text[:1] in {'"', "'"} and len(text) > 1 and text[0] == text[-1]
    word = text[1:-1] if quoted else text
    if not _PLAIN.issuperset(word) or word.startswith(("-", " ")) or word[-1:] == " ":
        raise ValueError("no plain word")
    return word


def _from_gh(github: str, environment: Environment, where: str) -> str:
    program = child_program.find("gh", environment)
    if not program:
        if refused := child_program.refusal("gh", environment):
            raise IssueError(*refused)
        raise MissingIdentityError(
            f"gh's login is {where}, and no gh is found on PATH to read it",
            "install gh, or set GH_TOKEN",
        )
    outcome = child_program.run(
        [program, "auth", "token", "--hostname", github],
        environment,
        kind="gh",
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
NARROW = "lacks the scope read:packages"
SCOPES = frozenset({"read:packages", "write:packages"})
_GOOD_S, _BAD_S, _UNKNOWN_S = 3600.0, 300.0, 60.0
_FINE_GRAINED = "github_pat_"
_OK, _UNAUTHORIZED, _FORBIDDEN = 200, 401, 403


def of(token: str, api: str, environment: Environment) -> str:
    """Return GOOD, or what is wrong with the token.

    A token that GitHub cannot be asked about is given the benefit of the doubt.
    """
    if token.startswith(_FINE_GRAINED):
        return "is fine-grained, and packages take classic tokens only"
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
        return "is invalid, expired or revoked", _BAD_S
    if answer.status == _FORBIDDEN and _is_githubs_no(answer.headers):
        return "is refused by GitHub (403), as one of a suspended account is", _BAD_S
    if answer.status != _OK:
        log.info(f"the token's scopes are not known: status {answer.status}")
        return GOOD, _UNKNOWN_S
    scopes = answer.headers.get("x-oauth-scopes")
    if scopes is None:
        # A token of an App or a job has permissions instead, which nothing tells.
        return GOOD, _GOOD_S
    held = {scope.strip() for scope in scopes.split(",")}
    if held.isdisjoint(SCOPES):
        return NARROW, _BAD_S
    return GOOD, _GOOD_S


def _is_githubs_no(headers: Mapping[str, str]) -> bool:
    """Return whether it is GitHub that refuses the token: no proxy, and no limit."""
    throttled = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    return "x-github-request-id" in headers and not throttled


def _digest(token: str, api: str) -> str:
    import hashlib  # noqa: PLC0415 - a person's token is not on the cached path

    return hashlib.sha256(f"{api}\n{token}".encode()).hexdigest()
