"""What can go wrong, as types inside and exact sentences outside.

Three sentences belong to the wire: clients compare them byte for byte
(docker/docker-credential-helpers, credentials/error.go). Every other failure names
its cause and its remedy in one line.
"""

from __future__ import annotations


class DockcredError(Exception):
    """A failure with a cause and a remedy, both fit to be shown to anyone.

    Neither may hold a secret. Each is a phrase without a full stop at its end.
    """

    def __init__(self, cause: str, remedy: str = "") -> None:
        """Hold the two halves apart, so that `doctor` can show them so."""
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        """Return cause and remedy as the one line that a client shows."""
        return f"{self.cause}; {self.remedy}" if self.remedy else self.cause


class WireError(DockcredError):
    """One of the three standard sentences, on which stderr stays silent."""

    sentence = ""

    def __init__(self) -> None:
        """Make the error of the sentence alone."""
        super().__init__(self.sentence)


class CredentialsNotFoundError(WireError):
    """Nothing is kept for this server: the client may go on anonymously."""

    sentence = "credentials not found in native keychain"


class MissingServerURLError(WireError):
    """The request names no server."""

    sentence = "no credentials server URL"


class InvalidInputError(DockcredError):
    """What came on stdin or in a variable is not what it must be."""


class NotServedError(DockcredError):
    """The server belongs to another helper."""


class MissingIdentityError(DockcredError):
    """No identity is configured from which a credential could be minted."""


class IssueError(DockcredError):
    """A configured identity was asked and did not yield a credential."""


class RefusedError(IssueError):
    """The cloud knows who asks, and does not allow it."""


class EndedError(IssueError):
    """The cloud takes a login, key or token no more: expired, revoked, or deleted."""


class TransportError(IssueError):
    """The other end could not be reached, or did not speak as it should."""


class TimedOutError(IssueError):
    """The time for the whole call ran out; the cause says in what."""


class MissingExtraError(DockcredError):
    """A library that this road needs is not installed.

    The remedy is pip's; beside Debian's packages, where pip installs nothing, it is
    apt's, or pipx's for what Debian has not or has too old.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        if "/dist-packages/" in __file__:
            extra = remedy.partition("[")[2].partition("]")[0]
            libraries = _IN_DEBIAN.get(extra)
            remedy = (
                f"run: apt install {libraries}"
                if libraries
                else f"run: pipx install 'dockcred[{extra}]'"
            )
        super().__init__(cause, remedy)


_IN_DEBIAN = {
    "aws": "python3-boto3",
    "github": "python3-jwt python3-cryptography",
    "keyring": "python3-jeepney",
    "keyring,vault": "python3-jeepney python3-cryptography",
    "kubernetes": "python3-kubernetes",
    "sandbox": "python3-trustme python3-jwt",
    "vault": "python3-cryptography",
}
