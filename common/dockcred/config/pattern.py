"""A glob over a host's labels with a path prefix: `*.dkr.ecr.*.amazonaws.com/team`.

`*` and `?` stand for characters within one label, never for a dot: a pattern has as
many labels as the hosts that it matches. The path is a prefix by whole segments.
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.server_url import ServerURL

_CHARACTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-_*?")


class Pattern:
    """One pattern, parsed; `weight` is greater for the more specific one."""

    __slots__ = ("labels", "path", "port", "text", "weight")

    def __init__(self, text: str) -> None:
        """Parse a pattern; raise InvalidInputError for one that matches too much."""
        self.text = text
        host = text.lower().partition("/")[0]
        host, _, self.port = host.partition(":")
        self.labels = host.split(".")
        self.path = [
            segment for segment in text.partition("/")[2].split("/") if segment
        ]
        for label in self.labels:
            if not label or not _CHARACTERS.issuperset(label):
                raise InvalidInputError(
                    f"{text!a} is not a pattern",
                    "write a host with * or ? in its labels",
                )
        literal = [label for label in self.labels if not set(label) & {"*", "?"}]
        if not literal:
            raise InvalidInputError(
                f"{text!a} would match every host", "name at least one label in full"
            )
        written = sum(len(label.strip("*?")) for label in self.labels)
        self.weight = (len(self.path), len(literal), written, bool(self.port))

    @property
    def names_a_domain(self) -> bool:
        """Tell whether its last two labels, or its only one, are written out."""
        return not set("".join(self.labels[-2:])) & {"*", "?"}

    def matches(self, server: ServerURL) -> bool:
        """Tell whether a server is one of those that are meant."""
        segments = [segment for segment in server.path.split("/") if segment]
        return self.matches_host(server) and segments[: len(self.path)] == self.path

    def matches_host(self, server: ServerURL) -> bool:
        """Tell whether its host and port are, whatever its path."""
        labels = server.host.split(".")
        return (
            len(labels) == len(self.labels)
            and all(map(_is_like, labels, self.labels))
            and (not self.port or self.port == server.port)
        )


def _is_like(label: str, glob: str) -> bool:
    """Match one label; fnmatch would import re, at the cost of a cached get."""
    if not glob:
        return not label
    if glob[0] == "*":
        rest = glob.lstrip("*")
        return any(_is_like(label[start:], rest) for start in range(len(label) + 1))
    if not label or glob[0] not in {"?", label[0]}:
        return False
    return _is_like(label[1:], glob[1:])
