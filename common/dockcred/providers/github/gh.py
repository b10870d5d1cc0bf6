"""gh's stored login: its hosts.yml, or the keychain that gh reads for us.

github.com/cli/go-gh, pkg/auth and pkg/config: the token stands below its host, or is
in the keychain where it does not.
"""

from __future__ import annotations

from dockcred import child_program, watchdog
from dockcred.errors import IssueError, MissingIdentityError
from dockcred.providers.github.hosts import gh_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

TIMEOUT_S = 5.0
_MAX_BYTES = 256 * 1024


class Login:
    """Who is logged in to one GitHub, with the token where the file holds it."""

    __slots__ = ("token", "user")

    def __init__(self, user: str, token: str) -> None:
        """Hold both; either may be empty."""
        self.user = user
        self.token = token

    def __repr__(self) -> str:
        """Show whose it is."""
        return f"Login({self.user!r}, token=…)"


def login(github: str, environment: Environment) -> Login | None:
    """Answer the login for a GitHub, None where there is none."""
    try:
        with open(gh_file(environment), encoding="utf-8", errors="replace") as file:
            text = file.read(_MAX_BYTES)
    except OSError:
        return None
    found = _section(text, github)
    if found is None:
        return None
    token = found.get("oauth_token") or _from_keychain(github, environment)
    return Login(found.get("user", ""), token)


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
        timeout_s=min(TIMEOUT_S, max(0.5, watchdog.remaining_s() - 1)),
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
