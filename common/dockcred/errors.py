"""What can go wrong, as types inside and exact sentences outside.

Three sentences belong to the wire: clients compare them byte for byte
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
"""What puts a remedy's commands into the words of the shell here; None for sh."""


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
        remedy = in_shell(self.remedy) if in_shell else self.remedy
        return f"{self.cause}; {remedy}" if remedy else self.cause


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


class UselessIdentityError(MissingIdentityError):
    """An identity is configured and opens nothing: whoever has none has as much."""


class IssueError(DockcredError):
    """A configured identity was asked and did not yield a credential."""


class RefusedError(IssueError):
    """The cloud knows who asks, and does not allow it."""


class EndedError(IssueError):
    """The cloud takes a login, key or token no more: expired, revoked, or deleted."""


class ThrottledError(IssueError):
    """The cloud, or the registry, has had too many calls: later it may answer.

    `retry_after_s` is for how long it asks to wait, 0 where it does not say.
    """

    def __init__(self, cause: str, remedy: str = "", retry_after_s: float = 0) -> None:
        super().__init__(cause, remedy)
        self.retry_after_s = retry_after_s


class TransportError(IssueError):
    """The other end could not be reached, or did not speak as it should.

    `broke_while` says in what a connection broke that may hold the next time:
    "connecting", "waiting" for an answer or "answering"; it is empty for what lasts.
    """

    def __init__(self, cause: str, remedy: str = "", broke_while: str = "") -> None:
        """Hold the two halves, and what may be tried again."""
        super().__init__(cause, remedy)
        self.broke_while = broke_while


class TimedOutError(IssueError):
    """The time for the whole call ran out; the cause says in what."""


class MissingExtraError(DockcredError):
    """A library that this road needs is not installed.

    The remedy is written for pip, and told for whatever has installed us: Debian's
    packages, beside which pip installs nothing, pipx, uv, or the pip of a venv.
    """

    def __init__(self, cause: str, remedy: str) -> None:
        extra = remedy.partition("[")[2].partition("]")[0]
        super().__init__(cause, _for_our_installer(extra) or remedy)


def _for_our_installer(extra: str) -> str:
    """Return the command that adds an extra; nothing where it is any pip's."""
    wanted = f"'dockcred[{extra}]'"
    if "/dist-packages/" in __file__:
        libraries = _IN_DEBIAN.get(extra)
        # What Debian does not have, or has too old, comes from PyPI.
        return f"run: {f'apt install {libraries}' if libraries else _PIPX + wanted}"
    # A launcher runs the Python below a venv: what it imports says where we are.
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
    # Who has not entered the venv would ask another pip.
    python = f"{prefix}/bin/python"
    return f"run: {python} -m pip install {wanted}" if os.path.exists(python) else ""


def unforeseen(error: Exception) -> str:
    """Return the kind and the place; a stranger's text may hold a secret."""
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
    """Return which extra brings a library; None where none of ours does."""
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
