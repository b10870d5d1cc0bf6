"""gh's stored login: in its hosts.yml, or in the keychain that only gh can read.

Source: github.com/cli/go-gh, pkg/auth and pkg/config. The token is in the file, below
its host. If it is not there, it is in the keychain.

This module also finds out whether a token can read packages. It asks GitHub once, and
the answer is cached. A registry refuses even public images to a token that is invalid
or lacks the scope. So such a token is worse than none.
"""

from __future__ import annotations

from dockcred.errors import IssueError, TransportError
from dockcred.identity import tool_login
from dockcred.identity.tool_login import BAD_S, GOOD_S, UNKNOWN_S
from dockcred.providers.github.hosts import gh_file
from dockcred.system import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockcred.system.environment import Environment


class GhLogin:
    """The login at one GitHub: the user, and the token if the file holds it."""

    __slots__ = ("token", "user")

    def __init__(self, user: str, token: str) -> None:
        """Set both; either may be empty."""
        self.user = user
        self.token = token

    def __repr__(self) -> str:
        """Show the user, but not the token."""
        return f"GhLogin({self.user!r}, token=…)"


def login(github: str, environment: Environment) -> GhLogin | None:
    """Return the login for a GitHub, or None where there is none."""
    found = settings(github, environment)
    if found is None:
        return None
    where = "in the keychain" if found else "in a file of a form that gh alone reads"
    token = found.get("oauth_token") or _from_gh(github, environment, where)
    return GhLogin(found.get("user", ""), token)


def settings(github: str, environment: Environment) -> dict[str, str] | None:
    """Return what gh's file says of a GitHub; None where there is no login.

    It is empty where there may be a login, but only gh can tell.
    """
    try:
        with open(gh_file(environment), "rb") as file:
            data = file.read()
    except OSError:
        return None
    try:
        found = tool_login.read(data.decode())
    except ValueError:
        return {} if github.encode() in data else None
    if github not in found:
        return None
    own = found[github]
    pairs = own.items() if isinstance(own, dict) else ()
    return {name: value for name, value in pairs if isinstance(value, str)}


def _from_gh(github: str, environment: Environment, where: str) -> str:
    outcome = tool_login.ask(
        ["gh", "auth", "token", "--hostname", github],
        environment,
        (
            f"gh's login is {where}, and no gh is found on PATH to read it",
            "install gh, or set GH_TOKEN",
        ),
        {"GH_PROMPT_DISABLED": "1", "GH_NO_UPDATE_NOTIFIER": "1"},
    )
    token = tool_login.token_in(outcome)
    if not token:
        raise IssueError(
            f"gh did not hand out its login (status {outcome.status})",
            f"run: gh auth status --hostname {github}",
        )
    return token


GOOD = "good"
NARROW = "lacks the scope read:packages"
SCOPES = frozenset({"read:packages", "write:packages"})
_FINE_GRAINED = "github_pat_"
_OK, _UNAUTHORIZED, _FORBIDDEN = 200, 401, 403


def of(token: str, api: str, environment: Environment) -> str:
    """Return GOOD, or a text that says what is wrong with the token.

    If GitHub does not answer, the token is taken to be good.
    """
    if token.startswith(_FINE_GRAINED):
        return "is fine-grained, and packages take classic tokens only"
    return tool_login.remembered(
        "github", token, api, environment, lambda: _ask(token, api, environment)
    )


def _ask(token: str, api: str, environment: Environment) -> tuple[str, float]:
    from dockcred.providers.github.api import about  # noqa: PLC0415 - once an hour

    try:
        answer = about(token, api, environment)
    except TransportError as error:
        log.info(f"the token's scopes are not known: {error}")
        return GOOD, UNKNOWN_S
    if answer.status == _UNAUTHORIZED:
        return "is invalid, expired or revoked", BAD_S
    if answer.status == _FORBIDDEN and _is_githubs_no(answer.headers):
        return "is refused by GitHub (403), as one of a suspended account is", BAD_S
    if answer.status != _OK:
        log.info(f"the token's scopes are not known: status {answer.status}")
        return GOOD, UNKNOWN_S
    scopes = answer.headers.get("x-oauth-scopes")
    if scopes is None:
        # A token of an App or a job has permissions instead of scopes, and nothing
        # tells them.
        return GOOD, GOOD_S
    held = {scope.strip() for scope in scopes.split(",")}
    if held.isdisjoint(SCOPES):
        return NARROW, BAD_S
    return GOOD, GOOD_S


def _is_githubs_no(headers: Mapping[str, str]) -> bool:
    """Return whether GitHub itself refuses the token: no proxy, and no rate limit."""
    throttled = headers.get("x-ratelimit-remaining") == "0" or "retry-after" in headers
    return "x-github-request-id" in headers and not throttled
