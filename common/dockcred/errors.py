"""The errors: a type for each kind of failure, and the line that a client shows.

Three sentences are part of the protocol: clients compare them byte for byte
(docker/docker-credential-helpers, credentials/error.go). Every other failure names
its cause and its remedy in one line.
"""

from __future__ import annotations

import os
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

in_shell: Callable[[str], str] | None = None
"""Translates the commands of a remedy for this system's shell; None for sh."""


class DockcredError(Exception):
    """A failure with a cause and a remedy, both fit to be shown to anyone.

    Neither may hold a secret. Each is a phrase without a full stop at its end.
    """

    def __init__(self, cause: str, remedy: str = "") -> None:
        """Keep cause and remedy apart: `doctor` shows them separately."""
        super().__init__(cause, remedy)
        self.cause = cause
        self.remedy = remedy

    def __str__(self) -> str:
        """Return cause and remedy as the one line that a client shows."""
        remedy = in_shell(self.remedy) if in_shell else self.remedy
        return f"{self.cause}; {remedy}" if remedy else self.cause


class WireError(DockcredError):
    """One of the three standard sentences: it is the whole answer, on stdout only."""

    sentence = ""

    def __init__(self) -> None:
        """Use the sentence as the cause; there is no remedy."""
        super().__init__(self.sentence)


class CredentialsNotFoundError(WireError):
    """There is no credential for this server: the client may go on anonymously."""

    sentence = "credentials not found in native keychain"


class MissingServerURLError(WireError):
    """The request names no server."""

    sentence = "no credentials server URL"


class InvalidInputError(DockcredError):
    """Input from stdin, a variable, an argument or a file is not valid."""


class NotServedError(DockcredError):
    """The server belongs to another helper."""


class MissingIdentityError(DockcredError):
    """No identity is configured from which a credential could be minted."""


class UselessIdentityError(MissingIdentityError):
    """An identity is configured, but it opens no registry: it counts as none."""


class IssueError(DockcredError):
    """A configured identity was asked and did not yield a credential."""


class RefusedError(IssueError):
    """The cloud knows who asks, and does not allow it."""


class EndedError(IssueError):
    """A login, key or token is no longer accepted: expired, revoked or deleted."""


class ThrottledError(IssueError):
    """The cloud or the registry has had too many calls; it may answer later.

    `retry_after_s` is the wait that it asks for, in seconds; 0 if it names none.
    """

    def __init__(self, cause: str, remedy: str = "", retry_after_s: float = 0) -> None:
        super().__init__(cause, remedy)
        self.retry_after_s = retry_after_s


class TransportError(IssueError):
    """The other end could not be reached, or did not speak as it should.

    If a retry may help, `broke_while` says when the connection broke: "connecting",
    "waiting" for an answer or "answering". It is empty if a retry cannot help.
    """

    def __init__(self, cause: str, remedy: str = "", broke_while: str = "") -> None:
        """Hold cause, remedy, and when the connection broke."""
        super().__init__(cause, remedy)
        self.broke_while = broke_while


class TimedOutError(IssueError):
    """The time for the whole call ran out; the cause says during which step."""


class MissingExtraError(DockcredError):
    """A library that is needed here is not installed.

    The caller passes a remedy for pip. It is replaced if something else has installed
    dockcred: Debian's packages (pip installs nothing beside them), pipx, uv, or the
    pip of a venv.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        extra = remedy.partition("[")[2].partition("]")[0]
        super().__init__(cause, _for_our_installer(extra) or remedy)


def _for_our_installer(extra: str) -> str:
    """Return the command that installs an extra; "" if that is plain pip."""
    wanted = f"'dockcred[{extra}]'"
    if "/dist-packages/" in __file__:
        libraries = _IN_DEBIAN.get(extra)
        # What Debian does not have, or has too old, comes from PyPI.
        return f"run: {f'apt install {libraries}' if libraries else _PIPX + wanted}"
    # A launcher runs the Python that a venv was made from: __file__ names the venv.
    prefix = __file__.rpartition("/lib/python")[0] or sys.prefix
    if os.path.exists(f"{prefix}/pipx_metadata.json"):
        return f"run: pipx runpip dockcred install {wanted}"
    if os.path.exists(f"{prefix}/uv-receipt.toml"):
        return f"run: uv tool install {wanted}"
    try:
        with open(f"{prefix}/pyvenv.cfg", encoding="utf-8") as file:
            by_uv = any(line.startswith("uv =") for line in file)
    except (OSError, ValueError):
        return ""
    if by_uv:
        return f"run: uv pip install --python {prefix} {wanted}"
    # If the venv is not activated, plain `pip` is another one.
    python = f"{prefix}/bin/python"
    return f"run: {python} -m pip install {wanted}" if os.path.exists(python) else ""


def unforeseen(error: Exception) -> str:
    """Return an error's type and place, not its text, which may hold a secret."""
    if isinstance(error, ModuleNotFoundError) and (missing := missing_library(error)):
        return str(missing)
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    where = ""
    if place:
        file = os.path.basename(place.tb_frame.f_code.co_filename)
        where = f" at {file}:{place.tb_lineno}"
    return (
        f"unforeseen {type(error).__name__}{where}; "
        "please report it with the output of DOCKCRED_LOG=debug"
    )


def missing_library(error: ModuleNotFoundError) -> MissingExtraError | None:
    """Return an error that names the extra with a library; None if no extra has it."""
    libraries = {
        "aws": ("boto3", "botocore", "awscrt", "s3transfer"),
        "azure": ("azure", "msal", "msal_extensions"),
        "google": ("google", "requests", "urllib3"),
        "github": ("jwt", "cryptography"),
        "alibaba": ("alibabacloud_credentials", "Tea"),
        "oci": ("oci",),
        "keyring": ("keyring", "jeepney"),
        "kubernetes": ("kubernetes", "yaml"),
    }
    name = (error.name or "").partition(".")[0]
    for extra, modules in libraries.items():
        if name in modules:
            return MissingExtraError(
                f"this needs {name}, which is not installed",
                f"run: pip install 'dockcred[{extra}]'",
            )
    return None


_PIPX = "pipx install "
_IN_DEBIAN = {
    "aws": "python3-boto3",
    "github": "python3-jwt python3-cryptography",
    "keyring": "python3-jeepney",
    "keyring,vault": "python3-jeepney python3-cryptography",
    "kubernetes": "python3-kubernetes",
    "oracle": "python3-cryptography",
    "sandbox": "python3-trustme python3-jwt",
    "vault": "python3-cryptography",
}
