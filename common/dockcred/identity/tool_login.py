"""Read the login of a developer's tool, such as gh or glab, for a provider.

The tool's file is YAML. We parse what the tools write: mappings of plain words and of
words in simple quotes. If a line is anything else, or the token is in a keychain, the
tool itself is asked. The verdict on a token is remembered for a while under a digest of
the token. The token itself is never stored.
"""

from __future__ import annotations

import os
import time

from dockcred.errors import IssueError, MissingIdentityError
from dockcred.identity.cache.files import Cache
from dockcred.identity.cache.lock import Flight
from dockcred.system import child_program, machine

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dockcred.system.child_program import Outcome
    from dockcred.system.environment import Environment

    Mapping = dict[str, "str | Mapping"]

GOOD_S, BAD_S, UNKNOWN_S = 3600.0, 300.0, 60.0
"""Seconds to remember that a token is good, that it is bad, or that it is unknown."""

_PLAIN = frozenset(
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/@+,: "
)

_LONGEST_NAME = 1024
"""The most characters of a name, with its quotes (YAML 1.2, 7.4)."""

_BLANKS = {ord(each): " " for each in "\t\n"}


def read(text: str, passed_over: str = "") -> Mapping:
    """Return the mappings of a file; each value is a word or a mapping.

    `passed_over` is a tag before a value, with the space after it, that the tool
    ignores. Raises ValueError for anything but mappings of plain and simply quoted
    words.
    """
    found: Mapping = {}
    # The open mappings, each with its indentation.
    levels: list[tuple[int, Mapping]] = [(0, found)]
    opens = ""
    # In YAML a carriage return alone ends a line too, and even a comment (YAML 1.2,
    # 5.4). It is not printable, so it is refused below.
    text = text.replace("\r\n", "\n")
    if not _is_printable(text):
        raise ValueError("a character that YAML has nowhere, not even in a comment")
    for line in text.split("\n"):
        bare = line.strip(" ")
        if not bare or bare.startswith("#"):
            continue
        indent = len(line) - len(line.lstrip(" "))
        if indent > levels[-1][0]:
            if not opens:
                raise ValueError("indented where nothing is open")
            inner: Mapping = {}
            levels[-1][1][opens] = inner
            levels.append((indent, inner))
        while levels[-1][0] > indent:
            levels.pop()
        here, mapping = levels[-1]
        name, colon, rest = f"{bare} ".partition(": ")
        if here != indent or not colon or len(name) > _LONGEST_NAME:
            raise ValueError("no line of a mapping")
        value = _word(rest.lstrip(" ").removeprefix(passed_over).strip(" "))
        name = _word(name)
        if not name or name in mapping:
            raise ValueError("a name is missing, or there twice")
        mapping[name] = value
        opens = "" if rest.strip(" ") else name
    return found


def _is_printable(text: str) -> bool:
    """Return whether YAML allows each character within a line (YAML 1.2, 5.1)."""
    return text.translate(_BLANKS).isprintable()


def _word(text: str) -> str:
    """Return a plain or simply quoted word; raise ValueError for anything else."""
    quoted = text[:1] in {'"', "'"} and len(text) > 1 and text[0] == text[-1]
    word = text[1:-1] if quoted else text
    if not _PLAIN.issuperset(word) or word.startswith(("-", " ")) or word[-1:] == " ":
        raise ValueError("no plain word")
    if word.startswith((",", ":", "@")) or word.endswith(":") or ": " in word:
        raise ValueError("no plain word")
    return word


def ask(
    command: list[str],
    environment: Environment,
    missing: tuple[str, str],
    variables: dict[str, str],
    text: bytes = b"",
) -> Outcome:
    """Run a tool and return its outcome.

    Raises IssueError if the tool's file must not be run, and MissingIdentityError, with
    the cause and remedy in `missing`, if there is no such tool.
    """
    name = command[0]
    program = child_program.find(name, environment)
    if not program:
        if refused := child_program.refusal(name, environment):
            raise IssueError(*refused)
        raise MissingIdentityError(*missing)
    return child_program.run(
        [program, *command[1:]],
        environment,
        kind=name,
        variables=variables,
        text=text,
    )


def token_in(outcome: Outcome) -> str:
    """Return the last line of a tool's output if it can be a token, else ""."""
    lines = [line.strip() for line in outcome.output.split("\n") if line.strip()]
    token = lines[-1] if lines else ""
    if outcome.status != 0 or " " in token or not token.isprintable():
        return ""
    return token


def remembered(
    provider: str,
    token: str,
    where: str,
    environment: Environment,
    look: Callable[[], tuple[str, float]],
) -> str:
    """Return the verdict on a token at a host, from memory if possible.

    Else `look` asks, and returns the verdict and for how many seconds it is valid. It
    is stored under a digest, not under the token.
    """
    cache = Cache(machine.locate(environment))
    name = f"{provider}-verdict,{_digest(token, where)}"
    if held := _held(cache, name):
        return held
    # Processes with different versions of the file wait at different cache entries, so
    # they need this lock too.
    flight = Flight(cache, name)
    try:
        if held := _held(cache, name):
            return held
        said, holds_s = look()
        cache.write_text(name, said, time.time() + holds_s)
        return said
    finally:
        flight.release()


def _held(cache: Cache, name: str) -> str:
    """Return the remembered verdict, if its expiry (the file's mtime) is not over."""
    said = cache.read_text(name)
    try:
        left = os.stat(f"{cache.path}/{name}").st_mtime - time.time()
    except OSError:
        return ""
    return said if 0 < left <= GOOD_S else ""


def _digest(token: str, where: str) -> str:
    import hashlib  # noqa: PLC0415 - a person's token is not on the cached path

    return hashlib.sha256(f"{where}\n{token}".encode()).hexdigest()
