"""Findings, the results of a check, and the code that all checks share."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from enum import IntEnum
from shlex import quote
from typing import Any

from dockcred.clients.entries import Auth, Fault
from dockcred.clients.go_json import BrokenJSONError, Key, Place
from dockcred.errors import InvalidInputError, MissingExtraError
from dockcred.system import toml_table


class Severity(IntEnum):
    """How severe a finding is; the worst one decides the exit status."""

    FINE = 0
    NOTE = 1
    WARNING = 2
    ERROR = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of a check's result; no field ever has a secret.

    `fix` is a command for the shell in which the client runs. `remedy` says in words
    what no command can do.
    """

    severity: Severity
    step: str
    text: str
    remedy: str = ""
    fix: str = ""
    client: str = ""

    @property
    def is_problem(self) -> bool:
        """Return whether it is a warning or an error, not only information."""
        return self.severity >= Severity.WARNING

    def document(self) -> dict[str, str]:
        """Return the finding as an object for JSON output."""
        texts = ("client", "step", "text", "remedy", "fix")
        found = {name: getattr(self, name) for name in texts}
        return {"severity": self.severity.name.lower(), **found}


def fine(step: str, text: str) -> Finding:
    """Return a finding for something that is right."""
    return Finding(Severity.FINE, step, text)


def note(step: str, text: str, remedy: str = "") -> Finding:
    """Return a finding that only informs."""
    return Finding(Severity.NOTE, step, text, remedy)


def warning(step: str, text: str, remedy: str = "", fix: str = "") -> Finding:
    """Return a finding for something that can go wrong, but perhaps not this time."""
    return Finding(Severity.WARNING, step, text, remedy, fix)


def error(step: str, text: str, remedy: str = "", fix: str = "") -> Finding:
    """Return a finding for the reason why this request fails."""
    return Finding(Severity.ERROR, step, text, remedy, fix)


def command(*words: str) -> str:
    """Return a command, quoted for a shell."""
    return " ".join(map(quote, words))


def exit_status(findings: Iterable[Finding]) -> int:
    """Return 0 without problems, 1 for warnings, 2 for errors."""
    worst = max((finding.severity for finding in findings), default=Severity.FINE)
    return max(0, worst - Severity.NOTE)


KEY = "key"
ENTRY = "entry"


def read_json(data: bytes) -> tuple[dict[str, Any], list[str]]:
    """Return a JSON object, and the names that occur twice in one of its objects.

    Raises InvalidInputError, which names the line and quotes nothing of the text.
    """
    twice: list[str] = []

    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        times = Counter(name for name, _ in members)
        twice.extend(sorted(name for name, count in times.items() if count > 1))
        return dict(members)

    try:
        found = json.loads(data.decode(), object_pairs_hook=pairs)
    except json.JSONDecodeError as error:
        raise _broken(f"JSON at line {error.lineno}") from None
    except (ValueError, RecursionError):
        raise _broken("JSON") from None
    if not isinstance(found, dict):
        raise _broken("a JSON object")
    return found, twice


def read_toml(data: bytes) -> dict[str, Any]:
    """Return a TOML document; raise InvalidInputError as `read_json` does."""
    try:
        return toml_table.loads(data.decode())
    except toml_table.BrokenTOMLError as error:
        place = re.search(r"at line \d+", str(error))
        raise _broken(f"TOML {place[0]}" if place else "TOML") from None
    except ValueError:
        raise _broken("TOML") from None


def unknown(
    where: str, names: Collection[str], known: Collection[str], reader: str
) -> Iterator[Finding]:
    """Yield warnings for names that a reader ignores; `known` are in lower case.

    Go's decoders accept a name in any case.
    """
    for name in names:
        if name.lower() in known:
            continue
        text = f"{where}{shown(name)} is no key of {reader}'s and is passed over"
        meant = get_close_matches(name.lower().replace("_", "-"), known, 1, 0.7)
        if meant:
            yield warning(KEY, text, f"write {meant[0]}")
        else:
            yield note(KEY, text)


def twice_there(names: Iterable[str]) -> Iterator[Finding]:
    """Yield warnings for names that occur twice in one object."""
    for name in names:
        yield warning(KEY, f"{shown(name)} stands twice: the last one counts")


def entries(found: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Yield each entry of `auths`: its place in the file, its key, and its fields."""
    for key, entry in table(found.get("auths")).items():
        yield f'auths["{shown(key)}"]', key, table(entry)


def table(value: object) -> Mapping[str, Any]:
    """Return the value if it is an object, else an empty one."""
    return value if isinstance(value, dict) else {}


def shown(key: str) -> str:
    """Return a key to show: of user:password@host only the host."""
    return ascii(key.rpartition("@")[2])[1:-1][:200]


def refusal(broken: BrokenJSONError) -> InvalidInputError:
    """Return the error for a text that is not JSON, with the place."""
    where = f" at {broken.place}" if broken.place else ""
    return InvalidInputError(f"it is not JSON{where}", "fix it first")


def place(steps: Place) -> str:
    """Return a place in a JSON text, as text to show."""
    said = "".join(
        f'["{shown(step)}"]' if isinstance(step, Key) else f".{shown(step)}"
        for step in steps
    )
    return said.removeprefix(".")


def word(value: object) -> str:
    """Return a value to show: a short name, or "…" for what may be secret."""
    is_name = isinstance(value, str) and re.fullmatch(r"[\w./-]{1,60}", value, re.ASCII)
    return str(value) if is_name else "…"


def _broken(kind: str) -> InvalidInputError:
    return InvalidInputError(f"it is not {kind}", "fix it first")


_NAMES: dict[type, str] = {str: "text", dict: "object"}
_OF_FILE: dict[str, type] = {
    "auths": dict,
    "credHelpers": dict,
    "HttpHeaders": dict,
    "credsStore": str,
}
_OF_ENTRY = (
    *("username", "password", "auth", "email"),
    *("serveraddress", "identitytoken", "registrytoken"),
)


def check(found: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield findings for values of a wrong type; null counts as a missing value."""
    for where, value, wanted in _values(found):
        if value is not None and not isinstance(value, wanted):
            yield error(
                KEY,
                f"{where} is no {_NAMES[wanted]}: docker warns, and may lose other"
                " logins with it",
            )


def _values(found: Mapping[str, Any]) -> Iterator[tuple[str, Any, type]]:
    for name, wanted in _OF_FILE.items():
        yield name, found.get(name), wanted
    for name, helper in table(found.get("credHelpers")).items():
        yield f'credHelpers["{shown(name)}"]', helper, str
    for name, entry in table(found.get("auths")).items():
        where = f'auths["{shown(name)}"]'
        yield where, entry, dict
        for field in _OF_ENTRY:
            yield f"{where}.{field}", table(entry).get(field), str


Consequences = Mapping[Fault, tuple[Severity, str]]
"""What a reader does for each fault: the severity, and words for it."""

_REMEDIES = {
    Fault.NEWLINE: "encode it with printf %s, or render the file",
    Fault.UNPADDED: "encode it with base64 -w0",
}


def judge(where: str, found: Auth, readers: Consequences) -> Finding:
    """Return a finding with the login's user, or with the result of its fault."""
    if found.fault is None:
        return fine(ENTRY, f"{where}: the user {shown(found.username)}")
    severity, consequence = readers[found.fault]
    said = f"{where} {found.fault.value}: {consequence}"
    remedy = _REMEDIES.get(found.fault, "") if severity >= Severity.WARNING else ""
    return Finding(severity, ENTRY, said, remedy)


def _loader(yaml: Any) -> Any:
    """Return a loader that makes names strings, as sigs.k8s.io/yaml does for JSON."""

    class TextNames(yaml.SafeLoader):  # type: ignore[misc] # a module that may be missing
        def construct_mapping(self, node: Any, deep: bool = False) -> dict[str, Any]:
            found = super().construct_mapping(node, deep=deep)
            return {_name(key, node.start_mark.line + 1): found[key] for key in found}

    return TextNames


def _name(key: object, line: int) -> str:
    # In Go a whole number has 64 bits.
    if not isinstance(key, str | int | float | date) or (
        isinstance(key, int) and not -(2**63) <= key < 2**63
    ):
        raise InvalidInputError(
            f"a name in the mapping at line {line} is no text", "write it in quotes"
        )
    return str(key).lower() if isinstance(key, bool) else str(key)


def read(data: bytes) -> list[Mapping[str, Any]]:
    """Return the documents of a manifest in JSON or YAML; else InvalidInputError."""
    try:
        return [read_json(data)[0]]
    except InvalidInputError as broken:
        not_json = broken
    try:
        import yaml  # noqa: PLC0415 - an extra's
    except ImportError:
        missing = MissingExtraError(
            not_json.cause, "run: pip install 'dockcred[kubernetes]'"
        )
        raise InvalidInputError(
            not_json.cause, f"for YAML {missing.remedy}; else kubectl's -o json"
        ) from None
    try:
        found = list(yaml.load_all(data, _loader(yaml)))
    except yaml.MarkedYAMLError as broken:
        mark = broken.problem_mark
        place = f" at line {mark.line + 1}" if mark else ""
        raise InvalidInputError(f"it is not YAML{place}", "fix it first") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise InvalidInputError("it is neither JSON nor YAML", "fix it first") from None
    documents = [document for document in found if document is not None]
    if not documents or not all(isinstance(document, dict) for document in documents):
        raise InvalidInputError("it is no manifest", "fix it first")
    return documents
