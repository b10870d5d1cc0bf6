"""Write a launcher's text, and check whether others could change what it runs."""

from __future__ import annotations

import ast
import compileall
import os
import shutil
import stat
import zipfile
from collections.abc import Collection, Iterable

from dockcred import system
from dockcred.errors import InvalidInputError
from dockcred.identity.cache import silence, ticket
from dockcred.system import cloud, people
from dockcred.system.environment import meanings, sdks
from dockcred.system.version import __version__
from dockcred.transport.metadata import PORT

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.identity.provider import Provider

_ACL = "system.posix_acl_access"


def check(path: str) -> None:
    """Raise InvalidInputError if another user can write a path or a directory above.

    For root, each part must be root's. A directory above may be sticky, as /tmp is.
    """
    part = os.path.realpath(path)
    check_one(part, path)
    while part != os.path.dirname(part):
        part = os.path.dirname(part)
        check_one(part, path, is_above=True)


def check_one(part: str, path: str = "", *, is_above: bool = False) -> None:
    """Raise InvalidInputError if another user can write this file or directory itself.

    `path` is the path that `part` belongs to, for the message.
    """
    if why := problem(system.stat(part), part, is_above=is_above):
        raise InvalidInputError(
            f"{path or part} is refused: {part} {why}",
            "use a directory and an interpreter that only you and root can write",
        )


def problem(status: os.stat_result, part: str, *, is_above: bool = False) -> str:
    """Return why other users can write a part; "" if they cannot."""
    sticky = is_above and status.st_mode & stat.S_ISVTX
    if status.st_uid not in {0, system.user()}:
        return f"belongs to {people.name_of(status.st_uid)}"
    if sticky:
        return ""
    if status.st_mode & stat.S_IWOTH:
        return "can be written by everybody"
    if status.st_mode & stat.S_IWGRP:
        if people.is_shared(status.st_gid, system.user()):
            return "can be written by its group"
        # The group's bits also show an access control list, whomever that names.
        if _has_list(part):
            return "can be written by those in its access control list"
    return ""


def _has_list(path: str) -> bool:
    try:
        return bool(os.getxattr(path, _ACL))
    except (OSError, AttributeError):
        return False


PREFIX = "docker-credential-"
MARK = "written by `dockcred install`"

_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-._")
_DETECTED = ("pass", "secretservice", "osxkeychain", "wincred")
"""docker, oras and helm use helpers of these names without being configured."""


def parse(text: str, programs: Collection[str]) -> tuple[str, str]:
    """Parse gcloud=gcr into the names of two programs, the alias first.

    Raises InvalidInputError for a helper that does not exist, or a taken alias.
    """
    alias, equals, program = text.partition("=")
    if not equals or not alias or not _CHARACTERS.issuperset(alias):
        raise InvalidInputError(f"{text!a} is no alias", "write it as gcloud=gcr")
    if PREFIX + program not in programs:
        raise InvalidInputError(
            f"there is no program {PREFIX + program!a}",
            f"choose of {', '.join(programs)}",
        )
    if PREFIX + alias in programs or alias in _DETECTED:
        raise InvalidInputError(f"{alias} is a helper of its own", "take another name")
    return PREFIX + alias, PREFIX + program


def written_for(path: str, *, surely: bool = False) -> str:
    """Return the program that a launcher of ours starts; "" for other files.

    With `surely`, raises OSError for a file that exists and cannot be read.
    """
    head = _head(path, surely=surely).split("\n")
    line = head[1] if len(head) > 1 else ""
    return line[2:].partition(",")[0] if MARK in line else ""


def is_entry_point(path: str, program: str) -> bool:
    """Return whether a file is the program as pip, pipx or uv installs it."""
    text = _head(path)
    if text.startswith("MZ"):  # a Windows program, the script in a zip at its end
        try:
            with zipfile.ZipFile(path) as packed:
                text = packed.read("__main__.py").decode("utf-8", "replace")
        except (OSError, KeyError, zipfile.BadZipFile):
            return False
    lines = f"\n{text}".splitlines()
    return f"from {program.replace('-', '_')} import main" in lines


def _head(path: str, *, surely: bool = False) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(500)
    except (FileNotFoundError, IsADirectoryError):
        return ""
    except OSError:
        if surely:
            raise
        return ""


def aliases(directory: str) -> dict[str, str]:
    """Return the aliases in a directory, each with its program."""
    try:
        files = sorted(os.listdir(directory))
    except OSError:
        return {}
    helpers = (name for name in files if name.startswith(PREFIX))
    found = {name: written_for(os.path.join(directory, name)) for name in helpers}
    return {
        name: program for name, program in found.items() if program not in {"", name}
    }


_FOR_ALL = 0o755


def compile_package(path: str) -> None:
    """Compile a package and all below it."""
    for directory, _, files in os.walk(path):
        modules = [name for name in files if name.endswith(".py")]
        compile_modules(os.path.join(directory, name) for name in modules)


def compile_modules(paths: Iterable[str]) -> None:
    """Compile modules, each into the `__pycache__` beside it."""
    for path in paths:
        _drop_unless_for_all(os.path.join(os.path.dirname(path), "__pycache__"))
        compileall.compile_file(path, quiet=2)


def _drop_unless_for_all(cache: str) -> None:
    """Remove a `__pycache__` that others can write, or cannot read.

    Python makes it at the first import, with the umask of that user.
    """
    for _ in range(3):
        try:
            mode = stat.S_IMODE(os.stat(cache).st_mode)
        except FileNotFoundError:
            return
        if mode & 0o777 == _FOR_ALL:
            return
        # Another install may remove it at the same time: that is no error.
        shutil.rmtree(cache, ignore_errors=True)


_TEMPLATE = os.path.join(os.path.dirname(__file__), "front.sh")
_KNOCK = os.path.join(os.path.dirname(__file__), "knock.py")
# Without a front, sh has nothing to do and takes 0.6 ms. So the kernel starts Python,
# if the #! line fits into _KERNEL_READS_BYTES and Python's path has no blanks.
_BY_KERNEL = """#!@PYTHON@ -IS
# @PROGRAM@, written by `dockcred install` (dockcred @VERSION@). Do not edit.
@CODE@
"""
_BY_SH = """#!/bin/sh
# @PROGRAM@, written by `dockcred install` (dockcred @VERSION@). Do not edit.
exec '@PYTHON@' -I -S -c '@CODE@' "$@"
"""
_KERNEL_READS_BYTES = 127


def launcher(
    program: str, python: str, directories: tuple[str, ...], provider: Provider | None
) -> str:
    """Return the launcher's text; without a provider it only starts Python.

    Raises InvalidInputError for a path that cannot stand between single quotes.
    """
    for path in (python, *directories):
        if not path.isprintable() or set(path) & set("'\"\\"):
            raise InvalidInputError(
                f"a launcher cannot name {path!a}", "install to a plainer path"
            )
    module = program.replace("-", "_")
    short = program.removeprefix("docker-credential-") if provider else ""
    code = (
        f"import sys; sys.path += {_double_quoted(directories)}; "
        "from dockcred.system.process import run; "
        f'run("{module}", "{short}")'
    )
    with open(_TEMPLATE, encoding="ascii") as file:
        text = file.read() if provider else _plain(python)
    text = text.replace("@KNOCK@", _knock()) if provider else text
    fields = {
        "PROGRAM": program,
        "VERSION": __version__,
        "PYTHON": python,
        "CODE": code,
    }
    if provider:
        fields |= _front(provider, short)
    for name, value in fields.items():
        text = text.replace(f"@{name}@", value)
    return text


def _knock() -> str:
    """Return knock.py for single quotes, without docstrings and __future__."""
    with open(_KNOCK, encoding="ascii") as file:
        tree = ast.parse(file.read())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.FunctionDef) and ast.get_docstring(node):
            del node.body[0]
    tree.body = [node for node in tree.body if not isinstance(node, ast.ImportFrom)]
    return ast.unparse(tree).replace("'", "'\\''")


def _plain(python: str) -> str:
    named = len(os.fsencode(f"#!{python} -IS")) <= _KERNEL_READS_BYTES
    return _BY_KERNEL if named and not set(python) & set(" \t") else _BY_SH


def _front(provider: Provider, short: str) -> dict[str, str]:
    handed_over = (*ticket.HANDED_OVER, provider.cache_off, provider.cache_parent)
    return {
        "SHORT": short,
        "FORMAT": ticket.format_of(provider),
        "STAT": ticket.STAT,
        "NOTE_FORMAT": silence.FORMAT,
        "ADDRESS": cloud.address_of(provider.metadata[0]),
        "PORT": str(PORT),
        "KNOCK_S": str(cloud.KNOCK_S),
        "HOLDS_S": str(cloud.HOLDS_S),
        "SECRETS": " ".join(sorted(meanings.SECRETS)),
        "HANDED_OVER": "".join(f"${{{name}+x}}" for name in handed_over if name),
        "TAGS": "".join(f"${{{name}-}}" for name in provider.tags) or "''",
        "TAG_NAME": ",".join(f"${{{name}-}}" for name in provider.tags),
        "PICKED": _joined(provider.variables, provider.secrets),
        "PROGRAMS": _joined(sdks.PROGRAMS, ()),
        "SDKS": _joined(sdks.SDKS, sdks.SECRETS),
    }


def _joined(names: tuple[str, ...], secrets: tuple[str, ...]) -> str:
    """Return the sh text that joins variables as ticket.joined does.

    Each variable that is set has its number. A dot follows for each of them, so that a
    value with a bar in it cannot look like two values.
    """
    return "".join(
        [f"${{{name}+{n}=${name}|}}" for n, name in enumerate(names)]
        + [f"${{{name}+{n}.${{{name}:+set}}|}}" for n, name in enumerate(secrets)]
        + [f"${{{name}+.}}" for name in (*names, *secrets)]
    )


def _double_quoted(directories: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{path}"' for path in directories) + "]"
