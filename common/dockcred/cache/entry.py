"""One cached credential: a few lines of text that say all that must still hold."""

from __future__ import annotations

from dockcred.credential import Credential

_HEAD = "dockcred entry 1"
_END = "end"
_FIXED = 9


class Entry:
    """A credential with its key, its source and the conditions on answering it.

    `lease_until` is the time (seconds since the epoch) until which the source need
    not be asked; None where its files tell. `who` is what the source then said.
    """

    __slots__ = ("conditions", "credential", "key", "lease_until", "source", "who")

    def __init__(
        self,
        key: str,
        credential: Credential,
        source: str,
        conditions: tuple[str, ...] = (),
        lease_until: float | None = None,
        who: str = "",
    ) -> None:
        self.key = key
        self.credential = credential
        self.source = source
        self.conditions = conditions
        self.lease_until = lease_until
        self.who = who

    def to_text(self) -> str:
        """Write the lines; raise ValueError where a value does not fit in one."""
        credential = self.credential
        lines = [
            _HEAD,
            self.key,
            self.source,
            self.who,
            _time(self.lease_until),
            _time(credential.issued_at),
            _time(credential.expires_at),
            credential.username,
            credential.secret,
            *self.conditions,
            _END,
        ]
        if any("\n" in line for line in lines):
            raise ValueError("a value of the entry spans lines")
        return "\n".join(lines) + "\n"

    @classmethod
    def from_text(cls, text: str) -> Entry | None:
        """Read the lines; None for what is torn, foreign or of another version."""
        lines = text.split("\n")
        if len(lines) < _FIXED + 2 or lines[0] != _HEAD or lines[-2:] != [_END, ""]:
            return None
        try:
            lease, issued, expires = (float(x) if x else None for x in lines[4:7])
        except ValueError:
            return None
        if issued is None:
            return None
        credential = Credential(lines[7], lines[8], issued, expires)
        return cls(
            lines[1], credential, lines[2], tuple(lines[_FIXED:-2]), lease, lines[3]
        )


def _time(seconds: float | None) -> str:
    return "" if seconds is None else repr(seconds)
