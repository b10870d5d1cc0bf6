"""The metrics file that node_exporter's textfile collector reads.

It has the metrics of all processes of one user. Each has a `uid` label, so that two
users' files do not clash. No process waits for the lock: if another one holds it, a
process leaves its counts in a file beside it. The holder adds those before it ends.
"""

from __future__ import annotations

import os
import stat

from dockcred import system
from dockcred.system import log, private_file
from dockcred.system.file_lock import FileLock

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    Series = tuple[str, str]
    Figures = dict[Series, float]

KINDS: Final = {
    "dockcred_gets_total": (
        "counter",
        "Requests for a credential, by how they ended.",
    ),
    "dockcred_cache_hits_total": (
        "counter",
        "Requests that were answered from the cache.",
    ),
    "dockcred_mints_total": (
        "counter",
        "Credentials that an identity was asked for, and gave.",
    ),
    "dockcred_throttles_total": (
        "counter",
        "Answers that there were too many calls; those asked again count too.",
    ),
    "dockcred_failures_total": (
        "counter",
        "Failures by cause, of requests and of refreshes in the background.",
    ),
    "dockcred_mint_seconds": (
        "histogram",
        "How long an identity took to give a credential, or to fail.",
    ),
    "dockcred_refresh_writes_total": (
        "counter",
        "Places that dockcred refresh has written.",
    ),
    "dockcred_refresh_problems_total": (
        "counter",
        "Problems that dockcred refresh has told of.",
    ),
    "dockcred_refresh_first_end_timestamp_seconds": (
        "gauge",
        "When the first of all credentials ends that dockcred refresh keeps.",
    ),
}
"""Each family of metrics: its type and its help text."""

RESULTS: Final = ("answered", "not_found", "failed")
CAUSES: Final = (
    *("throttled", "ended", "refused", "no_identity", "unreachable", "timed_out"),
    *("missing_library", "not_served", "bad_input", "other", "unforeseen"),
)
_MAX_BYTES = 1 << 20
_MOST_ASIDE = 500
_ROUNDS = 20
_FOR_ALL = 0o644
_DIRECTORY_FOR_ALL = 0o755


def merge(into: Figures, more: Iterable[tuple[Series, float]]) -> None:
    """Add counters to those in `into`; a gauge replaces the old value."""
    for series, value in more:
        is_gauge = KINDS.get(series[0], ("",))[0] == "gauge"
        into[series] = value if is_gauge else into.get(series, 0.0) + value


def complete(figures: Figures) -> None:
    """Add missing series, at 0, for each program and provider that counted a `get`.

    Prometheus sees no increase if a series begins with its first event.
    """
    for name, labels in tuple(figures):
        if name == "dockcred_gets_total":
            whose = labels.rpartition(",")[0]
            for result in RESULTS:
                figures.setdefault((name, f'{whose},result="{result}"'), 0.0)
            for cause in CAUSES:
                series = ("dockcred_failures_total", f'{whose},cause="{cause}"')
                figures.setdefault(series, 0.0)
            for other in ("cache_hits", "mints", "throttles"):
                figures.setdefault((f"dockcred_{other}_total", whose), 0.0)


def render(figures: Figures) -> bytes:
    """Return metrics in Prometheus' text format, each family together."""
    families: dict[str, list[tuple[Series, float]]] = {name: [] for name in KINDS}
    for series, value in figures.items():
        families[_family(series[0])].append((series, value))
    lines = []
    for name, (kind, meaning) in KINDS.items():
        if found := families[name]:
            lines += [f"# HELP {name} {meaning}", f"# TYPE {name} {kind}"]
            for (full, labels), value in sorted(found, key=_place):
                number = int(value) if value == int(value) else round(value, 6)
                lines.append(f"{full}{{{labels}}} {number}")
    return "".join(f"{line}\n" for line in lines).encode("ascii")


def parse(text: bytes) -> Figures:
    """Parse what `render` has written; other lines are left out."""
    found: Figures = {}
    for line in text.decode("ascii", "replace").splitlines():
        series, _, number = line.rpartition(" ")
        name, _, labels = series.partition("{")
        if not line.startswith("#") and _family(name) in KINDS and labels[-1:] == "}":
            try:
                found[name, labels[:-1]] = float(number)
            except ValueError:
                continue
    return found


def _family(name: str) -> str:
    for end in ("_bucket", "_sum", "_count"):
        name = name.removesuffix(end)
    return name


def _place(row: tuple[Series, float]) -> tuple[str, str, float]:
    """Return the sort key of a line: its labels; then buckets, their sum and count."""
    name, labels = row[0]
    whose, _, bound = labels.partition(',le="')
    return whose, name.replace("_count", "_total"), float(bound[:-1]) if bound else 0.0


def write(directory: str, figures: Figures) -> None:
    """Add metrics to the user's file in a directory; a failure is only logged."""
    try:
        if not os.path.isabs(directory):
            raise FileNotFoundError(2, "no absolute path", directory)
        if not os.path.isdir(directory):
            os.mkdir(directory)
            os.chmod(directory, _DIRECTORY_FOR_ALL)
        _write(directory, figures)
    except (OSError, ValueError) as error:
        log.info(f"DOCKCRED_METRICS: nothing was counted: {error}")


def _write(directory: str, figures: Figures) -> None:
    """Add metrics, or leave them to the holder of the lock.

    A process that leaves them tries the lock once more. The holder looks once more for
    them after it has released the lock. So one of the two adds them.
    """
    base = f"dockcred-{system.user()}"
    lock = FileLock(f"{directory}/.{base}.lock", stays=True, max_wait_s=-1.0)
    for _ in range(_ROUNDS):
        try:
            with lock:
                _add(directory, base, figures)
                figures = {}
        except TimeoutError:
            if not figures:
                return
            aside = f"{directory}/.{base}.{os.urandom(8).hex()}.more"
            if len(_aside(directory, base)) < _MOST_ASIDE:
                private_file.replace(aside, render(figures), durable=False)
            figures = {}
        else:
            if not _aside(directory, base):
                return


def _add(directory: str, base: str, figures: Figures) -> None:
    path = f"{directory}/{base}.prom"
    total = parse(_read(path))
    aside = _aside(directory, base)
    for name in aside:
        merge(total, parse(_read(name)).items())
    merge(total, figures.items())
    complete(total)
    private_file.replace(path, render(total), _FOR_ALL, durable=False)
    for name in aside:
        private_file.drop(name)


def _aside(directory: str, base: str) -> list[str]:
    """Return the files that others have left; remove those of killed writers."""
    names = os.listdir(directory)
    for start in (f"{base}.prom.", f".{base}."):
        if any(n.startswith(start) and n.endswith(private_file.ASIDE) for n in names):
            private_file.remove_leftovers(directory, start)
    return [
        f"{directory}/{name}"
        for name in names
        if name.startswith(f".{base}.") and name.endswith(".more")
    ]


def _read(path: str) -> bytes:
    """Return the content of a file of this user; b"" if it is missing or another's."""
    try:
        descriptor = os.open(path, os.O_RDONLY | system.READ)
    except OSError:
        return b""
    try:
        status = system.fstat(descriptor)
        is_ours = stat.S_ISREG(status.st_mode) and status.st_uid == system.user()
        return os.read(descriptor, _MAX_BYTES) if is_ours else b""
    finally:
        os.close(descriptor)
