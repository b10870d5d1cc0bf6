"""Users and passwords in variables with names that other tools have defined.

DOCKER_AUTH_CONFIG        docker's own; each entry is for one host and port
DOCKER_<HOST>_USR, _PSW   docker-credential-env's; `.` and `-` of the host become `_`

A secret is used only for the very host that its variable names.
"""

from __future__ import annotations

from dockcred.credential import ServerURL
from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from dockcred.system.environment import Environment

AUTHS = "DOCKER_AUTH_CONFIG"
_START, _USER, _PASSWORD = "DOCKER_", "_USR", "_PSW"


class Convention:
    """A user and a password; `variable` is the name of the password's variable."""

    __slots__ = ("password", "user", "variable")

    def __init__(self, user: str, password: str, variable: str) -> None:
        """Set the fields."""
        self.user = user
        self.password = password
        self.variable = variable

    def __repr__(self) -> str:
        """Show where the password is, but not the password."""
        return f"Convention({self.user!r}, password=…, {self.variable})"


def find(server: ServerURL, environment: Environment) -> Convention | None:
    """Return what the variables hold for a server; None where they hold nothing."""
    return _in_auths(server, environment) or _by_host(server, environment)


def hosts(environment: Environment) -> Iterator[str]:
    """Return the hosts that the variables name, for `list`."""
    yield from _auths(environment)
    for name in environment.beginning(_START):
        if name.endswith(_PASSWORD):
            words = name.removeprefix(_START).removesuffix(_PASSWORD)
            yield words.replace("_", ".")


def is_other_hosts(
    server: ServerURL, environment: Environment, named: Callable[[], Iterable[str]]
) -> bool:
    """Return whether the secret found for a server may be meant for another host.

    DOCKER_a_b_c_PSW is the variable of a.b.c, but also of a-b.c. Where a file names one
    of these hosts, the secret is for that host only. Else it is for the host with dots
    only.
    """
    found = find(server, environment)
    if found is None or found.variable != _stem(server.host) + _PASSWORD:
        return False
    alike = {host for host in map(_host, named()) if _stem(host) == _stem(server.host)}
    if alike:
        return server.host not in alike
    return "-" in server.host or "_" in server.host


def _in_auths(server: ServerURL, environment: Environment) -> Convention | None:
    from dockcred.clients.reference import HUB_NAMES  # noqa: PLC0415 - where it is set

    wanted = HUB_NAMES if server.host in HUB_NAMES else {server.place}
    for key, login in _auths(environment).items():
        place = _place(key)
        if place in wanted or (server.host in HUB_NAMES and _host(key) in HUB_NAMES):
            return Convention(*login, AUTHS)
    return None


def _auths(environment: Environment) -> dict[str, tuple[str, str]]:
    """Return the logins in DOCKER_AUTH_CONFIG; {} where docker ignores the variable."""
    text = environment.get(AUTHS)
    if not text:
        return {}
    from dockcred.clients import entries  # noqa: PLC0415 - where it is set
    from dockcred.clients.docker import read  # noqa: PLC0415

    if problem := read.passed_over(text):
        from dockcred.system import log  # noqa: PLC0415 - the unusual

        log.warning(f"{AUTHS} is passed over, as docker does: {problem}")
        return {}
    found = {}
    for key, entry in (read.read_variable(text).value.get("auths") or {}).items():
        if login := entries.held(entry):
            found[key] = (login.username, login.secret)
    return found


def _by_host(server: ServerURL, environment: Environment) -> Convention | None:
    stem = _stem(server.host)
    user = environment.get(stem + _USER)
    password = environment.get(stem + _PASSWORD)
    if not (user and password):
        return None
    return Convention(user, password, stem + _PASSWORD)


def _stem(host: str) -> str:
    return _START + host.replace("-", "_").replace(".", "_")


def _place(text: str) -> str:
    """Return a key's host and port, in ServerURL's form; "" for any other text."""
    try:
        server = ServerURL.parse(text)
    except InvalidInputError:
        return ""
    return "" if server.path.strip("/") else server.place


def _host(text: str) -> str:
    try:
        return ServerURL.parse(text).host
    except InvalidInputError:
        return ""
