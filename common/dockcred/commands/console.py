"""Print for people: to a console, on stdout or stderr, and failures in one line.

`console` (stdout) and `errors` (stderr) are made on their first use: importing rich
takes a fifth of the time of a short command that prints nothing.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from base64 import b64encode
from contextlib import contextmanager, suppress

import click

from dockcred.errors import DockcredError, InvalidInputError
from dockcred.system import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import NoReturn

    from dockcred.credential import Credential

_ORDERS = {"GITHUB_ACTIONS": "::add-mask::{}", "TF_BUILD": "##vso[task.setsecret]{}"}


def mask(credentials: Iterable[Credential]) -> None:
    """Have a CI runner mask each password, and its base64 form in clients' files.

    Nothing is written outside such a runner, nor if stderr is not a pipe.
    """
    variables = environment.current()
    orders = [order for name, order in _ORDERS.items() if variables.is_on(name)]
    if not orders or not stat.S_ISFIFO(os.fstat(2).st_mode):
        return
    for credential in credentials:
        pair = f"{credential.username}:{credential.secret}".encode()
        for text in (credential.secret, b64encode(pair).decode()):
            for order in orders:
                click.echo(order.format(_escaped(text)), err=True)


def _escaped(text: str) -> str:
    """Return a text on one line, escaped as in values of the runners' commands."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import TextIO

    from rich.console import Console

    console: Console
    errors: Console
else:
    # Type checkers do not see this, so that they report names that do not exist.
    def __getattr__(name: str) -> Console:
        """Make a console; characters that its stream cannot encode become `?`."""
        if name not in {"console", "errors"}:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        from rich.console import Console  # noqa: PLC0415 - see above

        is_errors = name == "errors"
        stream = sys.stderr if is_errors else sys.stdout
        if stream is not None:
            stream.reconfigure(errors="replace")
        how = {}
        if environment.current().get("NO_COLOR"):
            # By NO_COLOR rich drops only colours; bold and spinners use codes too.
            how = {"color_system": None}
            how |= {"force_terminal": False} if is_errors else {}
        # Else rich shows `:ram:` in Alibaba Cloud's ARNs (acs:ram:…) as an emoji.
        made = globals()[name] = Console(stderr=is_errors, emoji=False, **how)
        return made


@contextmanager
def reporting_errors() -> Iterator[None]:
    """Write a failure's cause and remedy to stderr, and exit with 1.

    A pipe that its reader has closed is left to click, which exits with 1 in silence.
    """
    try:
        yield
    except BrokenPipeError:
        raise
    except DockcredError as error:
        _print(f"{error}{_asked(error)}", style="red")
        sys.exit(1)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _print(f"{where}{error.strerror}{_remedy(error)}")
        _drop_output()
        sys.exit(1)


def _asked(error: DockcredError) -> str:
    """Return a suggestion for a wrong name, if the error's remedy lists the names."""
    _, said, names = error.remedy.partition("choose of ")
    _, quote, word = error.cause.partition("'")
    if not said or not quote:
        return ""
    asked = meant(word.partition("'")[0], names.split(", "))
    return asked and f".{asked}"


def meant(word: str, known: Iterable[str]) -> str:
    """Return a question with the known word most like this one; empty without one."""
    from difflib import get_close_matches  # noqa: PLC0415 - after a misspelling

    names, lower = list(known), word.lower()
    near = get_close_matches(lower, names, 1, 0.6)
    near = near or [name for name in names if name.startswith(lower)][:1]
    near = near or [name for name in names if name.endswith(f"-{lower}")][:1]
    return f" Did you mean {near[0]}?" if near and word else ""


def _remedy(error: OSError) -> str:
    from dockcred.system import file_lock  # noqa: PLC0415 - after a failure alone

    found = file_lock.remedy(error, environment.current())
    return f"; {found}" if found else ""


def stdout() -> TextIO:
    """Return stdout for a secret; InvalidInputError where the caller has closed it.

    Its file descriptor may belong to another file by now.
    """
    if sys.stdout is None:  # so Python has it, whatever its type says
        raise InvalidInputError("stdout is closed", "send it to a pipe or a file")
    return sys.stdout


_LAST_S = 253402300799.0
"""The end of the year 9999, in seconds since the epoch: ISO 8601 has no later year."""


def moment(seconds: float) -> str:
    """Write a time, in seconds since the epoch, as ISO 8601 in UTC."""
    whole = time.gmtime(max(0.0, min(seconds, _LAST_S)))
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", whole)


def span(seconds: float) -> str:
    """Write a time span, given in seconds, in its two greatest units: 11 h 59 min."""
    minutes = int(max(0.0, seconds) // 60)
    if not minutes:
        return f"{max(0, round(seconds))} s"
    hours, minutes = divmod(minutes, 60)
    if not hours:
        return f"{minutes} min"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if days else f"{hours} h {minutes} min"


def until(ends: float | None) -> str:
    """Write when something ends, and in how long: 2026-11-29T21:00:00Z, in 59 min."""
    if ends is None:
        return "without an end, as far as its issuer says"
    left_s = ends - time.time()
    words = f"in {span(left_s)}" if left_s > 0 else f"{span(-left_s)} ago"
    return f"{moment(ends)}, {words}"


def examples(*lines: str) -> str:
    """Return the examples that end a command's help.

    The backspace tells click not to fold these lines.
    """
    return "\n".join(("\b", "Examples:", *(f"  {line}" for line in lines)))


def _drop_output() -> None:
    """Discard output that a full disk refused: Python would retry it, and exit 120."""
    if sys.stdout is not None:
        with suppress(OSError):
            sys.stdout.close()


@contextmanager
def progress(text: str) -> Iterator[Callable[[str], object]]:
    """Show on stderr what is being done; yield a function that changes the text.

    Without a terminal no thread is started to draw it: when Python exits, it may stop
    a thread at any place.
    """
    from dockcred.commands.console import errors  # noqa: PLC0415 - may be made now

    if not errors.is_terminal:
        yield lambda _: None
        return
    with errors.status(text) as status:
        yield status.update


def leave(status: int = 0) -> NoReturn:
    """Flush the output and end the process at once, whatever its threads are doing.

    Python's own exit waits for some threads, and stops the others at any place. A
    `refresh` that was stopped like that was once seen to end by SIGABRT.
    """
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(status)


def has_person() -> bool:
    """Return whether a person can be asked: stdin and stderr are terminals.

    Questions go to stderr.
    """
    return all(stream and stream.isatty() for stream in (sys.stdin, sys.stderr))


def say(text: str, style: str = "") -> None:
    """Print a line, folded between words on a terminal, whole elsewhere."""
    from dockcred.commands.console import console  # noqa: PLC0415 - may be made now

    indent = len(text) - len(text.lstrip())
    if not console.is_terminal:
        console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
        return
    from rich.padding import Padding  # noqa: PLC0415 - on a terminal
    from rich.text import Text  # noqa: PLC0415

    line = Text(text.lstrip(), style=style, overflow="fold")
    console.print(Padding(line, (0, 0, 0, indent)), highlight=False)


def warn(text: str) -> None:
    """Write a warning to stderr; the command goes on."""
    _print(text, style="yellow")


def _print(text: str, style: str = "") -> None:
    """Print one line, however long: a terminal may fold it, a log must not."""
    from dockcred.commands.console import errors  # noqa: PLC0415 - may be made now

    errors.print(
        f"dockcred: {text}", style=style, markup=False, highlight=False, soft_wrap=True
    )
