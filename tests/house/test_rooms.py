"""The packages of dockcred keep their tasks: few files, no import cycles, and no use of
POSIX, paths, sockets or os.environ outside the packages for that."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

import dockcred

CODE = Path(dockcred.__file__).parent
FILES = sorted(path.relative_to(CODE).as_posix() for path in CODE.rglob("*.py"))
MOST_FILES = 318
MOST_LINES = 300
MOST_ENTRIES = 14

POSIX_MODULES = {"fcntl", "grp", "pwd", "resource", "termios", "pty", "tty", "syslog"}
POSIX_NAMES = {
    "chown",
    "chroot",
    "fchmod",
    "fchown",
    "fork",
    "forkpty",
    "getegid",
    "geteuid",
    "getgid",
    "getgroups",
    "getppid",
    "getuid",
    "initgroups",
    "killpg",
    "lchown",
    "mkfifo",
    "mknod",
    "pipe2",
    "posix_spawn",
    "setgid",
    "setpgid",
    "setsid",
    "setuid",
    "uname",
    "wait4",
    "waitid",
    "waitpid",
}
SOCKETS = {"socket", "ssl", "http.client", "urllib.request", "socketserver"}

PLACE = re.compile(
    "/(bin|boot|dev|etc|home|lib|lib64|mnt|nix|opt|private|proc|root|run|sbin|srv|sys|tmp"
    "|usr|var|Applications|Library|System|Users|Volumes)(/|$)"
)
"""The begin of a string that is a path on POSIX; Windows has that file elsewhere."""

# The files that may break a rule, and why; a row that is no longer true fails too.
EXCEPTIONS: dict[str, dict[str, str]] = {
    "POSIX alone": {
        "commands/forward/__init__.py": "asks for the user's own number, whom alone it answers",
        "commands/forward/wire.py": "asks for the user's own number, to tell whose a socket is",
        "commands/token_service/journal.py": "takes turns with the other workers on one stderr",
        "commands/token_service/key_directory.py": "asks for the user's own number, to tell whose a file is",
        "commands/token_service/server.py": "asks how many connections it may hold",
        "commands/token_service/work.py": "asks for the user's own number, to tell whose a file is",
        "commands/token_service/workers.py": "forks the workers that share a port",
        "identity/mint.py": "forks the process that refreshes in the background",
        "stores/forwarded.py": "asks for the user's own number, to tell whose a socket is",
        "stores/secretservice/names.py": "asks for the user's own number, to tell whose a file is",
        "stores/secretservice/stream.py": "D-Bus authenticates by the user's number",
        "stores/vault_key.py": "asks for the user's own number, to tell whose a file is",
    },
    "which platform": {
        "clients/helm.py": "finds helm's own folder, which is another one on macOS",
        "commands/doctor/self_test.py": "says on what it ran; decides nothing by it",
        "commands/install.py": "writes the launchers' sh front on Linux alone",
        "stores/choice.py": "chooses the keychain of the system",
        "stores/secretservice/stream.py": "makes a system call by its number",
        "stores/vault_key.py": "asks Linux's kernel for a key by a call's number",
    },
    "a place by its path": {
        "clients/containers/read.py": "podman's own files, on Linux alone, as containers/image fixes them",
        "commands/configure/carry_out.py": "names no file in a diff, as patch reads it everywhere",
        "commands/doctor/helpers.py": "a guess at where a helper lies that is not on PATH",
        "commands/doctor/registry.py": "docker's own roots of a registry, on Linux",
        "commands/doctor/service.py": "units of systemd, and what it and kubelet give a service",
        "commands/exec_/__init__.py": "runs a script without a first line as POSIX's execvp does",
        "commands/forward/far_side.py": "a socket in a container of Linux, and one on ssh's other side",
        "commands/forward/wire.py": "names the process of a peer, whom Linux alone tells",
        "commands/manual.py": "a page of man(1)",
        "commands/render/output.py": "refuses a device as the place of a file",
        "commands/setup/survey.py": "docker's socket and podman's lists on Linux",
        "commands/shims.py": "root's directory for launchers of POSIX",
        "commands/token_service/work.py": "root's place for keys of the service, which runs on POSIX",
        "errors.py": "what lies below the prefix of a venv of POSIX, to tell who installed",
        "identity/cache/record.py": "files of the kernel, which are no settings",
        "identity/cache/silence.py": "for a launcher's sh front, which is of Linux",
        "identity/web_identity.py": "a file in memory, of Linux alone",
        "protocol/launcher/knock.py": "for a launcher's sh front, which is of Linux",
        "protocol/launcher/walls.py": "what such a front runs, and loads",
        "providers/acr/machine.py": "AKS's own place in a pod of Linux",
        "providers/acr/sources.py": "Azure Arc's agent on Linux, by which it is known",
        "stores/macos_security.py": "macOS's frameworks",
        "stores/secretservice/names.py": "where systemd puts a user's bus",
    },
    "sockets": {
        "clients/contrast/toml.py": "reads the certificates that the file names; connects to nothing",
        "commands/doctor/realm.py": "resolves the name that a registry sends, to judge it; connects to nothing",
        "commands/forward/__init__.py": "dockcred forward listens, for users of this machine",
        "commands/forward/server.py": "as above",
        "commands/forward/wire.py": "as above",
        "commands/refresh/loop.py": "wakes itself by a pair of them; connects to nothing",
        "commands/refresh/figures.py": "listens for Prometheus, where an address is named",
        "commands/token_service/listen.py": "the token service listens",
        "commands/token_service/server.py": "the token service listens",
        "protocol/launcher/walls.py": "loads what a launcher would, to see each file; connects to nothing",
    },
    "os.environ": {
        "commands/cache.py": "hands the variables of this process on to a program",
        "commands/exec_/__init__.py": "the command gets the variables as they are",
        "commands/forward/__init__.py": "the command gets the variables as they are",
        "commands/sandbox.py": "hands the variables of this process on to a program",
        "system/windows/__init__.py": "asks once what programs end in, as Windows does",
    },
}


@cache
def _tree(name: str) -> ast.Module:
    return ast.parse((CODE / name).read_text(encoding="utf-8"))


def _imports(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _attributes_of_os(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id="os"), attr=name):
                yield name
            case ast.ImportFrom(module="os", names=names):
                yield from (alias.name for alias in names)


def _posix(tree: ast.AST) -> bool:
    modules = POSIX_MODULES.intersection(_imports(tree))
    return bool(modules or POSIX_NAMES.intersection(_attributes_of_os(tree)))


def _sockets(tree: ast.AST) -> bool:
    return bool(SOCKETS.intersection(_imports(tree)))


def _environ(tree: ast.AST) -> bool:
    return bool({"environ", "environb", "getenv"}.intersection(_attributes_of_os(tree)))


def _platform(tree: ast.AST) -> bool:
    asked = {
        ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Attribute)
    }
    return bool(asked & {"sys.platform", "os.name", "platform.system"})


def _inner(tree: ast.AST) -> Iterator[ast.expr]:
    """Yield nodes that begin no path: docstrings, and later parts of f-strings."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield from node.values[1:]


def _place(tree: ast.AST) -> bool:
    inner = {id(node) for node in _inner(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and id(node) not in inner:
            value = node.value
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            if isinstance(text, str) and PLACE.match(text):
                return True
    return False


@pytest.mark.parametrize(
    ("text", "is_seen"),
    [
        ("open('/etc/dockcred/config.toml')", True),
        ("open(b'/proc/self')", True),
        ("f'/run/user/{number}'", True),
        ("{'key': ['/tmp']}", True),
        ("f'{home}/Library/Keychains'", False),
        ("help='such as /etc/nomad.d'", False),
        ("request('/token')", False),
        ('"/etc/dockcred/config.toml is the text of a module"', False),
        ("'/optimum'", False),
    ],
)
def test_a_place_is_seen(text, is_seen):
    assert _place(ast.parse(text)) == is_seen


RULES = {
    "a place by its path": (_place, ("system/",)),
    "which platform": (_platform, ("system/",)),
    "POSIX alone": (_posix, ("system/",)),
    "sockets": (_sockets, ("transport/", "stores/secretservice/")),
    "os.environ": (_environ, ("system/environment/",)),
}


@pytest.mark.parametrize("rule", RULES)
def test_a_room_keeps_its_own(rule):
    breaks, rooms = RULES[rule]
    found = {
        name
        for name in FILES
        if not name.startswith((*rooms, "testing/")) and breaks(_tree(name))
    }
    assert found == set(EXCEPTIONS[rule])


def test_no_file_imports_itself_in_a_circle():
    """Imports at load time, inside functions and for types all count."""
    modules = {
        f"dockcred/{name}".removesuffix(".py").removesuffix("/__init__"): name
        for name in FILES
        if not name.startswith("testing/")
    }
    graph: dict[str, set[str]] = defaultdict(set)
    for module, name in modules.items():
        for node in ast.walk(_tree(name)):
            if isinstance(node, ast.ImportFrom) and node.module:
                where = node.module.replace(".", "/")
                for alias in node.names:
                    full = f"{where}/{alias.name}"
                    found = full if full in modules else where
                    if found in modules and found != module:
                        graph[module].add(found)
    left = dict(graph)
    while free := {name for name in left if not left[name] & left.keys()}:
        left = {name: to for name, to in left.items() if name not in free}
    assert not left, f"in or behind a circle: {sorted(left)}"


def test_the_house_stays_small():
    ours = [name for name in FILES if not name.startswith("testing/")]
    assert len(ours) <= MOST_FILES
    entries = {name.partition("/")[0] for name in FILES} - {"__init__.py"}
    assert len(entries | {"py.typed"}) <= MOST_ENTRIES
    long = {
        name
        for name in FILES
        if len((CODE / name).read_text(encoding="utf-8").splitlines()) > MOST_LINES
    }
    assert long <= LONG


LONG = {"testing/store_contract.py"}
"""The only file that may be longer: it is one contract, to be read as a whole."""
