"""Which program answers for a helper's name: found, able to run, not shadowed."""

from __future__ import annotations

import os

from dockcred import registry_table
from dockcred.doctor import path_entries
from dockcred.doctor.finding import command, error, fine, note, warning
from dockcred.doctor.launchers import missing_part
from dockcred.errors import InvalidInputError
from dockcred.launcher import names, safety
from dockcred.lookup import helper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from dockcred.doctor.finding import Finding

STEP = "helper"


def check(suffix: str, path: str, home: str) -> Generator[Finding, None, str]:
    """Follow exec's search for docker-credential-SUFFIX; answer the file that runs.

    Answers nothing where none runs, with the reason as an error.
    """
    program = helper.PREFIX + suffix
    found = helper.candidates(program, path)
    file = helper.chosen(program, path)
    if not file:
        yield _unable(program, found, path, home)
        return ""
    if missing := missing_part(file):
        text = f"{file} cannot start: it needs {missing}, which is not there"
        if _is_crlf(missing):
            yield error(STEP, text, fix=command("sed", "-i", r"s/\r$//", file))
        else:
            yield error(STEP, text, **_reinstall(program, os.path.dirname(file)))
        return ""
    yield fine(STEP, file)
    yield from _shadowed(found[found.index(file) + 1 :], file)
    yield from path_entries.check(file, path)
    return file


def shadowed(file: str, path: str) -> str:
    """Answer the next program of that name on the PATH which is another file."""
    for other in helper.candidates(os.path.basename(file), path):
        if not os.path.exists(other) or os.path.samefile(file, other):
            continue
        return other
    return ""


def aside(file: str) -> str:
    """Write the command that takes a program out of the way."""
    return command("mv", file, f"{file}.aside")


def _unable(program: str, found: list[str], path: str, home: str) -> Finding:
    for file in found:
        if os.path.islink(file) and not os.path.exists(file):
            again = _reinstall(program, os.path.dirname(file))
            if "fix" in again:
                again["fix"] = f"{command('rm', file)} && {again['fix']}"
            return error(STEP, f"{file} is a link to nothing", **again)
        if os.path.isfile(file):
            return error(
                STEP, f"{file} is not executable", fix=command("chmod", "+x", file)
            )
    text = f"{program} is not on PATH ({path})"
    for directory in (f"{home}/.local/bin", "/usr/local/bin", f"{home}/go/bin"):
        file = os.path.join(directory, program)
        if os.access(file, os.X_OK):
            return error(
                STEP,
                f"{program} is in {directory}, which is not on PATH ({path})",
                fix=f'export PATH={command(directory)}:"$PATH"',
            )
    return error(STEP, text, **_reinstall(program, _directory_on(path)))


def _reinstall(program: str, directory: str) -> dict[str, str]:
    """Tell how a program comes back: ours by `install`, a stranger's by its package."""
    if program not in registry_table.PROGRAMS:
        return {"remedy": f"install {program} again, or name another helper"}
    where = ("--dir", directory) if directory else ()
    return {"fix": command("dockcred", "install", *where, "--programs", program)}


def _directory_on(path: str) -> str:
    """Choose a directory of the PATH that is ours to write and nobody else's."""
    for directory in path.split(":"):
        if not os.path.isabs(directory) or not os.access(directory, os.W_OK):
            continue
        try:
            safety.check(directory)
        except (InvalidInputError, OSError):
            continue
        return directory
    return ""


def _shadowed(others: list[str], file: str) -> Iterator[Finding]:
    for other in others:
        if not os.path.isfile(other) or _same(file, other):
            continue
        program = os.path.basename(file)
        if names.written_for(file) and names.is_entry_point(other, program):
            continue  # the launcher of what pip has installed
        if names.written_for(other) and names.is_entry_point(file, program):
            yield note(
                STEP,
                f"the launcher {other} never runs: {file} comes first on PATH",
                f"put {os.path.dirname(other)} before it, for a faster answer",
            )
            continue
        yield warning(
            STEP,
            f"two programs have one name: {file} runs, {other} never does",
            fix=aside(other),
        )


def _same(one: str, other: str) -> bool:
    if os.path.samefile(one, other):
        return True
    try:
        with open(one, "rb") as first, open(other, "rb") as second:
            return first.read() == second.read()
    except OSError:
        return False


def _is_crlf(missing: str) -> bool:
    return missing.endswith("CR LF")
