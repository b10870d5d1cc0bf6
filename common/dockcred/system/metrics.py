"""Metrics for operators: counted in memory, and written after the answer.

Labels are words of ours: no host, no account, nothing of a request or an answer.
"""

from __future__ import annotations

from dockcred import errors, system
from dockcred.system import prometheus_file

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Final

    from dockcred.system.prometheus_file import Figures, Series

CAUSES: Final = (
    (errors.ThrottledError, "throttled"),
    (errors.EndedError, "ended"),
    (errors.RefusedError, "refused"),
    (errors.MissingIdentityError, "no_identity"),
    (errors.TransportError, "unreachable"),
    (errors.TimedOutError, "timed_out"),
    (errors.MissingExtraError, "missing_library"),
    (errors.NotServedError, "not_served"),
    (errors.InvalidInputError, "bad_input"),
    (errors.WireError, "bad_input"),
    (errors.DockcredError, "other"),
    (Exception, "unforeseen"),
)
"""The cause that a failure counts as; the first class that fits decides."""

BOUNDS_S: Final = ("0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "30", "+Inf")
_EMPTY = b'"Username":"","Secret":""'
"""Part of the empty answer to a miss (DOCKCRED_ON_MISS)."""
NOBODY: Final = "none"
"""The provider of a request that no identity system serves."""
_WORDS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_")


class Meter:
    """The counts of one process, with its program's name as a label."""

    def __init__(self, program: str, directory: str = "") -> None:
        """`directory` is where to write; without one, use `take` to get the counts."""
        self.program = program
        self.directory = directory
        self.provider = NOBODY
        # Set by code that answers a miss without an error.
        self.missed = False
        # Threads append to it; `take` empties it and adds up.
        self._counted: list[tuple[Series, float]] = []

    def hit(self, provider: str = "") -> None:
        """Count an answer from the cache."""
        self._count("dockcred_cache_hits_total", provider)

    def minted(self, seconds: float, *, gave: bool) -> None:
        """Count that an identity was asked, how long it took, and if it `gave`."""
        if gave:
            self._count("dockcred_mints_total")
        for bound in BOUNDS_S:
            if seconds <= float(bound):
                self._count("dockcred_mint_seconds_bucket", le=bound)
        self._count("dockcred_mint_seconds_sum", by=round(seconds, 6))
        self._count("dockcred_mint_seconds_count")

    def throttled(self) -> None:
        """Count a response that says that there were too many calls."""
        self._count("dockcred_throttles_total")

    def got(self, outcome: Exception | bytes, provider: str = "") -> None:
        """Count a finished request, by its answer or its error."""
        if isinstance(outcome, bytes):
            is_none = self.missed or _EMPTY in outcome
            result = "not_found" if is_none else "answered"
        elif isinstance(outcome, errors.CredentialsNotFoundError):
            result = "not_found"
        else:
            result = "failed"
            self.failed(outcome, provider)
        self._count("dockcred_gets_total", provider, result=result)

    def failed(self, error: Exception, provider: str = "") -> None:
        """Count a failure by its cause."""
        cause = next(word for kind, word in CAUSES if isinstance(error, kind))
        self._count("dockcred_failures_total", provider, cause=cause)

    def add(self, counted: Iterable[tuple[Series, float]]) -> None:
        """Add the counts of another process, or another loop."""
        self._counted.extend(counted)

    def series(self, name: str, provider: str = "", **more: str) -> Series:
        """Return a name with its labels; a value that is no plain word is `other`."""
        labels = {"program": self.program, "provider": provider or self.provider}
        if name.startswith("dockcred_refresh_"):
            del labels["provider"]
        shown = [f'uid="{system.user()}"']
        for label, value in labels.items():
            word = value if value and _WORDS.issuperset(value) else "other"
            shown.append(f'{label}="{word}"')
        shown += [f'{label}="{value}"' for label, value in more.items()]
        return name, ",".join(shown)

    def take(self) -> Figures:
        """Return what was counted since the last call."""
        found: Figures = {}
        # What a thread adds meanwhile is taken now or by the next call.
        counted = [self._counted.pop(0) for _ in range(len(self._counted))]
        prometheus_file.merge(found, counted)
        return found

    def write(self) -> None:
        """Add the counts to the directory's file; if that fails, they are lost."""
        figures = self.take()
        if figures and self.directory:
            prometheus_file.write(self.directory, figures)

    def _count(
        self, name: str, provider: str = "", by: float = 1.0, **more: str
    ) -> None:
        self._counted.append((self.series(name, provider, **more), by))
