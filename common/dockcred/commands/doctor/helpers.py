"""The helper on PATH: which file it is, who could change it, and what it answers."""

from __future__ import annotations

import os
import re

from dockcred import system, wiring
from dockcred.clients import entries, files
from dockcred.clients.findings import (
    Finding,
    Severity,
    command,
    error,
    fine,
    note,
    warning,
)
from dockcred.commands.doctor import machine
from dockcred.commands.doctor.case import is_useless
from dockcred.commands.doctor.remedies import aside, is_ours
from dockcred.errors import InvalidInputError
from dockcred.protocol.launcher import render as launcher_render
from dockcred.system import wsl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from dockcred.clients.files import HelperAnswer
    from dockcred.commands.doctor.case import Case

    Meant = Callable[[], tuple[str, str]]

_READ_BYTES = 64 * 1024
_PYTHON = re.compile(rb"exec '([^']+)' -I -S -c ")
_DIRECTORIES = re.compile(rb"sys\.path \+= \[([^\]]*)\]; from dockcred\.")
_DIRECTORY = re.compile(rb'"([^"]+)"')
_SHEBANG = re.compile(rb"#! *([^\s]+)(?: +(\S+))?")


def missing_part(file: str) -> str:
    """Return what a program needs and does not find: an interpreter, or our package.

    Empty for a binary, for a script whose parts are there, and for a file that cannot
    be read.
    """
    try:
        with open(file, "rb") as script:
            text = script.read(_READ_BYTES)
    except OSError:
        return ""
    shebang = _SHEBANG.match(text)
    if shebang is None:
        return ""
    if text.partition(b"\n")[0].endswith(b"\r"):
        return "an interpreter by that name: its lines end in CR LF"
    interpreter = os.fsdecode(shebang[1])
    if not os.access(interpreter, os.X_OK):
        return interpreter
    python = _PYTHON.search(text)
    if python and not os.access(os.fsdecode(python[1]), os.X_OK):
        return os.fsdecode(python[1])
    launched = _DIRECTORIES.search(text)
    if launched is None:
        return ""
    directories = [os.fsdecode(found) for found in _DIRECTORY.findall(launched[1])]
    holders = [d for d in directories if os.path.isdir(os.path.join(d, "dockcred"))]
    return "" if holders else "the package dockcred in its directories"


STEP = "helper"


def check(
    suffix: str, path: str, home: str, meant: Meant = lambda: ("", "")
) -> Generator[Finding, None, str]:
    """Check the search on PATH for docker-credential-SUFFIX; return the file that runs.

    Returns "" if none runs; the reason is yielded as an error. `meant` is called for a
    name that no program has. It returns the program that was probably meant, and the
    command that names that one.
    """
    program = files.PREFIX + suffix
    found = files.candidates(program, path)
    file = files.chosen(program, path)
    if wsl.is_windows_program(suffix) and (why := machine.bars_windows(program, file)):
        yield error(STEP, *why)
        return ""
    if not file:
        yield _unable(program, found, path, home, meant)
        return ""
    if missing := missing_part(file):
        text = f"{file} cannot start: it needs {missing}, which is not there"
        if _is_crlf(missing):
            yield error(STEP, text, fix=command("sed", "-i", r"s/\r$//", file))
        else:
            yield error(STEP, text, **_replacement(program, file))
        return ""
    yield fine(STEP, file)
    yield from machine.check_path(file, path)
    return file


def check_namesakes(file: str, path: str) -> Iterator[Finding]:
    """Check programs of the same name as the one that runs, and whether that is fast.

    If one of two is ours, the remedy moves the other away. This runs after the answer:
    if the program failed, that finding has named the other one already.
    """
    program = files.program_of(file)
    found = files.candidates(program, path)
    others = [
        other
        for other in found[found.index(file) + 1 :]
        if os.path.isfile(other) and not _same(file, other)
    ]
    for other in others:
        yield from _shadowed(other, file)
    is_fast = any(map(launcher_render.written_for, others)) or not system.RUNS_SCRIPTS
    if launcher_render.is_entry_point(file, program) and not is_fast:
        yield note(
            STEP,
            f"{file} is as pip, pipx or uv put it there, and starts Python each time;"
            " for a launcher, also after a reinstall, run: dockcred install",
        )


def shadowed(file: str, path: str) -> str:
    """Return the next program of that name on the PATH that is another file, or ""."""
    for other in files.candidates(files.program_of(file), path):
        if not os.path.exists(other) or os.path.samefile(file, other):
            continue
        return other
    return ""


def _better(file: str, path: str) -> str:
    """Return the program of the same name that a failing one hides; empty for ours.

    Ours says itself why it fails and what to do; another program is no remedy.
    """
    return "" if is_ours(file) else shadowed(file, path)


def _replacement(program: str, file: str) -> dict[str, str]:
    """Return how to get a program again, if its file cannot start."""
    again = _reinstall(program, os.path.dirname(file))
    if "fix" in again and not is_ours(file):
        again["fix"] = f"{aside(file)} && {again['fix']}"
    return again


def _unable(
    program: str, found: list[str], path: str, home: str, meant: Meant
) -> Finding:
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
    if program not in wiring.PROGRAMS and (other := meant())[1]:
        return error(STEP, f"{text}: {other[0]} is meant", fix=other[1])
    return error(STEP, text, **_reinstall(program, _directory_on(path)))


def _reinstall(program: str, directory: str) -> dict[str, str]:
    """Return how to get a program back: ours by `install`, others by their package."""
    if program not in wiring.PROGRAMS:
        return {"remedy": f"install {program} again, or name another helper"}
    where = ("--dir", directory) if directory else ()
    return {"fix": command("dockcred", "install", *where, "--programs", program)}


def _directory_on(path: str) -> str:
    """Return the first directory of the PATH that only this user can write, or ""."""
    for directory in path.split(os.pathsep):
        if not os.path.isabs(directory) or not os.access(directory, os.W_OK):
            continue
        try:
            launcher_render.check(directory)
        except (InvalidInputError, OSError):
            continue
        return directory
    return ""


def _shadowed(other: str, file: str) -> Iterator[Finding]:
    program = files.program_of(file)
    is_launcher = bool(launcher_render.written_for(file))
    if is_launcher and launcher_render.is_entry_point(other, program):
        return  # the launcher of what pip has installed
    if launcher_render.written_for(other) and launcher_render.is_entry_point(
        file, program
    ):
        yield note(
            STEP,
            f"the launcher {other} never runs: {file} comes first on PATH",
            f"put {os.path.dirname(other)} before it, for a faster answer",
        )
        return
    theirs = file if is_ours(other) and not is_ours(file) else other
    yield warning(
        STEP,
        f"two programs have one name: {file} runs, {other} never does",
        fix=aside(theirs),
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


ANSWER_STEP = "answer"


def check_answer(
    case: Case, file: str, key: str, instead: str = "", *, is_last: bool = True
) -> Generator[Finding, None, HelperAnswer]:
    """Run the helper; return its answer.

    `is_last` says that the client asks no other helper after it. `instead` is the
    command that names the helper that serves the registry.
    """
    answer = case.ask(file, key)
    name = files.program_of(file)
    if answer.problem:
        yield _failed(file, f"{name} fails: {answer.problem}", case)
    elif answer.credential is None:
        then = "goes on anonymously" if is_last else "asks the next"
        text = f"{name} has no credential for {key}: the client {then}"
        why = case.why_nobody if name in wiring.PROGRAMS else None
        if why:
            answer.why, text = why, f"{text}: {why.cause}"
        if why and is_useless(why):
            severity = Severity.ERROR if is_last else Severity.WARNING
            yield Finding(severity, ANSWER_STEP, text, why.remedy)
        elif not is_last:
            yield note(ANSWER_STEP, text, why.remedy if why else "")
        elif not case.needs_credential:
            # With a repository it is the registry that says whether one is needed.
            tell = note if case.reference.repository or not why else warning
            yield tell(ANSWER_STEP, text, why.remedy if why else "")
        elif other := _better(file, case.path):
            yield _instead(text, file, other)
        else:
            other_helper = "name the helper that serves this registry"
            remedy = why.remedy if why else "" if instead else other_helper
            yield error(ANSWER_STEP, text, remedy, "" if why else instead)
    else:
        took = f"{answer.seconds * 1000:.0f} ms"
        yield fine(ANSWER_STEP, f"the user {answer.credential.username}, after {took}")
        if answer.credential.username == entries.TOKEN:
            yield note(
                ANSWER_STEP, "an identity token: Nomad and Kubernetes cannot use it"
            )
    return answer


def _failed(file: str, text: str, case: Case) -> Finding:
    if other := _better(file, case.path):
        return _instead(text, file, other)
    cause, _, remedy = text.partition("; ")
    if any(case.slip):
        return note(ANSWER_STEP, cause)  # an error on the misspelt name follows
    return error(ANSWER_STEP, cause, remedy)


def _instead(text: str, file: str, other: str) -> Finding:
    return error(
        ANSWER_STEP,
        f"{text} ({file} shadows {other})",
        fix=aside(file),
    )
