"""Fit remedies: to the name that was meant, where it is written, and the shell.

No network is used.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from difflib import get_close_matches

from dockcred import errors, wiring
from dockcred.clients.files import PREFIX, program_of
from dockcred.clients.findings import command
from dockcred.commands import install, shape
from dockcred.identity import config
from dockcred.identity.misspelt import misspelt, near

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.clients.files import Found
    from dockcred.clients.findings import Finding
    from dockcred.commands.doctor.case import Case
    from dockcred.system.environment import Environment

_SLIP = re.compile(r"write '([^']+)' for '([^']+)'")
_WHERE = re.compile(r"(/\S+):([0-9]+): ")


def fitted(finding: Finding, environment: Environment) -> Finding:
    """Return the finding; its remedy becomes a command for this shell, if possible."""
    if not finding.is_problem:
        return finding
    text, fix = finding.text, finding.fix
    if not fix and (found := _SLIP.search(finding.remedy)):
        where, fix = _correction(text, found[1], found[2], environment)
        text += where
    fix = _of_shell(fix, environment.get("SHELL"))
    return replace(finding, text=text, fix=fix)


def _correction(
    text: str, right: str, wrong: str, environment: Environment
) -> tuple[str, str]:
    """Return where a wrong word is written, and the command that corrects it there.

    That is the line of config.toml that `text` names, else another line, else an
    environment variable. Both are empty if the word is nowhere.
    """
    told = _WHERE.search(text)
    places = [(told[1], int(told[2]))] if told else _lines_with(wrong, environment)
    for path, line in places:
        script = f"{line}s/{_escaped(wrong)}/{_escaped(right)}/"
        where = "" if told else f" ({path}:{line} names it)"
        return where, command("sed", "-i", script, path)
    for name, value in sorted(environment.set_values().items()):
        if value == wrong and not name.startswith("XDG_"):
            return f" ({name} names it)", f"export {command(f'{name}={right}')}"
    return "", ""


def _lines_with(word: str, environment: Environment) -> Iterator[tuple[str, int]]:
    """Yield file and line number of each line of config.toml with the word as value."""
    for path in reversed(config.files(environment)):
        try:
            with open(path, encoding="utf-8") as file:
                lines = file.read().split("\n")
        except (OSError, ValueError):
            continue
        for number, line in enumerate(lines, 1):
            if line.partition("=")[2].strip().strip("\"'") == word:
                yield path, number


def _escaped(word: str) -> str:
    """Return a word escaped for sed, for either side of a substitution."""
    return re.sub(r"([/&\\.*\[\]^$])", r"\\\1", word)


def _of_shell(fix: str, shell: str) -> str:
    """Return a command in the syntax of the person's shell; fish has its own."""
    if errors.in_shell and not shell:
        return errors.in_shell(fix)
    if os.path.basename(shell) != "fish":
        return fix
    fix = re.sub(r"\bunset (\w+)", r"set -e \1", fix)
    fix = re.sub(r'export PATH=(\S+):"\$PATH"', r"set -gx PATH \1 $PATH", fix)
    return re.sub(r"\bexport ('?)(\w+)=", r"set -gx \2 \1", fix)


def meant_helper(found: Found, case: Case, client: str) -> tuple[str, str]:
    """Return the program that a misspelt helper was meant for, and the command for it.

    The program is one of ours, or one on the PATH; the command configures it. Both are
    empty if no name is similar.
    """
    suffixes = {name.removeprefix(PREFIX) for name in wiring.PROGRAMS if PREFIX in name}
    for directory in filter(os.path.isabs, case.path.split(os.pathsep)):
        try:
            names = os.listdir(directory)
        except OSError:
            continue
        names = [program_of(name) for name in names if name.startswith(PREFIX)]
        suffixes |= {name.removeprefix(PREFIX) for name in names}
    plain = found.helper.removeprefix(PREFIX)
    meant = plain if plain in suffixes else near(plain, sorted(suffixes))
    if not meant:
        return "", ""
    words = ["dockcred", "configure", written_by(client)]
    if found.key.startswith("credHelpers"):
        words += ["--registry", case.reference.server.raw]
    else:
        words.append("--all")
    return PREFIX + meant, command(*words, "--helper", meant)


def aside(file: str) -> str:
    """Return the command that takes a program out of the way."""
    return command("mv", file, f"{file}.aside")


def is_ours(file: str) -> bool:
    """Return whether a program is of this suite: a launcher, or as pip put it there."""
    return install.is_ours(file, program_of(file))


def written_by(client: str) -> str:
    """Return which `dockcred configure` command writes the file that a client reads."""
    return client if client in {"podman", "helm"} else "docker"


def is_slip_for(key: str, host: str) -> bool:
    """Return whether a key of a file is no real host, but a misspelling of this one."""
    cause, remedy = misspelt(key)
    is_near = bool(get_close_matches(key, (host,), 1, 0.9))
    return bool(cause) and (is_near or remedy == f"write {host}")


def kept(case: Case, client: str) -> tuple[str, str]:
    """Return the keychain's login for a registry that a client asks anonymously.

    It is described in words, with the command that has the client ask the keychain.
    Both are empty if the keychain has no login.
    """
    from dockcred.commands.known import Survey  # noqa: PLC0415 - where nothing is found

    known = Survey(case.environment).describe(case.reference.name)
    if known.state != shape.KEPT:
        return "", ""
    place = known.answerer.source.partition(":")[2]
    of, registry = written_by(client), case.reference.server.raw
    fix = command("dockcred", "configure", of, "--registry", registry)
    return f"but {place} keeps a login of {known.answerer.user}", fix
