"""Users and passwords in variables that others have named: docker, Jenkins.

DOCKER_AUTH_CONFIG        docker's own, each entry for its very host and port
DOCKER_<HOST>_USR, _PSW   docker-credential-env's, `.` and `-` of the host being `_`

A secret is for the host that its variable means, from end to end, and for no other.
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
    """A user and a password, and the variable that has the latter."""

    __slots__ = ("password", "user", "variable")

    def __init__(self, user: str, password: str, variable: str) -> None:
        """Hold them."""
        self.user = user
        self.password = password
        self.variable = variable

    def __repr__(self) -> str:
        """Show where it is, not what it is."""
        return f"Convention({self.user!r}, password=…, {self.variable})"


def find(server: ServerURL, environment: Environment) -> Convention | None:
    """Return what the variables have for a server; None where they have nothing."""
    return _in_auths(server, environment) or _by_host(server, environment)


def hosts(environment: Environment) -> Iterator[str]:
    """Return the hosts that the variables mean, for `list`."""
    yield from _auths(environment)
    for name in environment.beginning(_START):
        if name.endswith(_PASSWORD):
            words = name.removeprefix(_START).removesuffix(_PASSWORD)
            yield words.replace("_", ".")


def is_other_hosts(
    server: ServerURL, environment: Environment, named: Callable[[], Iterable[str]]
) -> bool:
    """Return whether all that there is for a server may be meant for another host.

    DOCKER_a_b_c_PSW is a.b.c's, and may be a-b.c's. Where some file names one of those
    it is that one's alone; else it is the one's that has dots only.
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
    """Return the logins of DOCKER_AUTH_CONFIG; none where docker passes over it."""
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
    """Return host and port of a key as ServerURL has them; nothing for what is none."""
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
