"""Fills front.sh in for one program, one interpreter and its import directories."""

from __future__ import annotations

import os

from dockcred.environment import further, secrets
from dockcred.errors import InvalidInputError
from dockcred.launcher import ticket
from dockcred.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.identity import Provider

_TEMPLATE = os.path.join(os.path.dirname(__file__), "front.sh")
# Without a front there is nothing for sh to do, and it takes 0.6 ms to do it: the
# kernel starts Python, where a line of so many bytes without blanks can name it.
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
    """Answer the launcher's text; without a provider it only starts Python.

    Raises InvalidInputError for a path that has no place in single quotes.
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
        "from dockcred.launcher.entry import run; "
        f'run("{module}", "{short}")'
    )
    with open(_TEMPLATE, encoding="ascii") as file:
        text = file.read() if provider else _plain(python)
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


def _plain(python: str) -> str:
    named = len(os.fsencode(f"#!{python} -IS")) <= _KERNEL_READS_BYTES
    return _BY_KERNEL if named and not set(python) & set(" \t") else _BY_SH


def _front(provider: Provider, short: str) -> dict[str, str]:
    handed_over = (*ticket.HANDED_OVER, provider.cache_off, provider.cache_parent)
    return {
        "SHORT": short,
        "FORMAT": ticket.format_of(provider),
        "STAT": ticket.STAT,
        "SECRETS": " ".join(sorted(secrets.ALL)),
        "HANDED_OVER": "".join(f"${{{name}+x}}" for name in handed_over if name),
        "TAGS": "".join(f"${{{name}-}}" for name in provider.tags) or "''",
        "TAG_NAME": ",".join(f"${{{name}-}}" for name in provider.tags),
        "PICKED": _joined(provider.variables, provider.secrets),
        "PROGRAMS": _joined(further.PROGRAMS, ()),
        "SDKS": _joined(further.SDKS, further.SECRETS),
    }


def _joined(names: tuple[str, ...], secrets: tuple[str, ...]) -> str:
    """Return what sh joins variables by, as ticket.joined does.

    By number, for what is set; and a dot for each, so that a value with a bar in it
    does not pass for two.
    """
    return "".join(
        [f"${{{name}+{n}=${name}|}}" for n, name in enumerate(names)]
        + [f"${{{name}+{n}.${{{name}:+set}}|}}" for n, name in enumerate(secrets)]
        + [f"${{{name}+.}}" for name in (*names, *secrets)]
    )


def _double_quoted(directories: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{path}"' for path in directories) + "]"
