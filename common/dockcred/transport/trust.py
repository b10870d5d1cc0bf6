"""Root certificates for TLS, and the errors of a connection."""

from __future__ import annotations

import os
import socket
import ssl

from dockcred import system
from dockcred.errors import TransportError
from dockcred.transport.target import NameNotFoundError, SilentError, UnreachedError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockcred.system.environment import Environment
    from dockcred.transport.target import Target


def contexts(
    environment: Environment, ca_variables: Iterable[str]
) -> Iterator[ssl.SSLContext]:
    """Return the contexts to try in turn; each verifies the chain and the name.

    There is a second one only if the system keeps its roots in two ways: as files that
    are named by hash, and as one bundle. A root may have been added to either.
    Raises TransportError if no root is found, and says which file to set.
    """
    named = _named(environment, ca_variables)
    if named is not None:
        yield named
        return
    directory = ssl.get_default_verify_paths().openssl_capath
    hashed = bool(directory) and _is_hashed(directory)
    if hashed:
        # Only the file of the needed root is read, in 0.25 ms. The bundle of all
        # roots takes 16 to 20 ms (performance.md B4).
        made = _context()
        made.load_verify_locations(capath=directory)
        yield made
    for path in (ssl.get_default_verify_paths().openssl_cafile, *system.ROOTS):
        if path and os.path.isfile(path):
            made = _context()
            made.load_verify_locations(cafile=path)
            yield made
            return
    if not hashed:
        made = _context()
        if not system.ROOTS:
            made.load_default_certs()  # Windows' own store
        if not made.cert_store_stats()["x509_ca"]:
            _load_certifi(made)
        yield made


def _context() -> ssl.SSLContext:
    """Make a context that verifies, with no roots yet; TLS 1.2 at least."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def _named(
    environment: Environment, ca_variables: Iterable[str]
) -> ssl.SSLContext | None:
    """Return a context with the roots that variables name; None if they name none."""
    for variable in (*ca_variables, "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if path := environment.get(variable):
            made = _context()
            _load(made, path, variable)
            return made
    if directory := environment.get("SSL_CERT_DIR"):
        made = _context()
        made.load_verify_locations(capath=directory)
        return made
    return None


def bundle(environment: Environment, ca_variables: Iterable[str]) -> str | None:
    """Return a file of roots to give to an SDK; None if it is to use its own."""
    named = environment.first(*ca_variables, "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    for path in (named, ssl.get_default_verify_paths().openssl_cafile, *system.ROOTS):
        if path and os.path.isfile(path):
            return path
    return None


def _load(made: ssl.SSLContext, path: str, variable: str) -> None:
    try:
        if os.path.isdir(path):
            made.load_verify_locations(capath=path)
        else:
            made.load_verify_locations(cafile=path)
    except (OSError, ssl.SSLError):
        raise TransportError(
            f"{variable} names {path}, where no certificates can be read",
            f"set {variable} to a PEM file of roots, or unset it",
        ) from None


def _is_hashed(directory: str) -> bool:
    """Return whether a directory has OpenSSL's names: eight hex digits and .0."""
    try:
        with os.scandir(directory) as entries:
            return any(
                entry.name.endswith(".0") and len(entry.name) == len("0123abcd.0")
                for entry in entries
            )
    except OSError:
        return False


def _load_certifi(made: ssl.SSLContext) -> None:
    try:
        import certifi  # noqa: PLC0415 - the last resort
    except ImportError:
        raise TransportError(
            "no root certificates were found on this machine",
            "install ca-certificates, or set SSL_CERT_FILE to a PEM file of roots",
        ) from None
    made.load_verify_locations(cafile=certifi.where())


def meaning(
    error: OSError, target: Target, timeout_s: float, *, reached: bool = False
) -> TransportError:
    """Return our error for an OSError; the target had `timeout_s` seconds to answer.

    Its `broke_while` says whether a retry may help. That is not so if a certificate is
    refused, a name is unknown, or the other end does not speak TLS. `reached` says that
    TCP was connected; if not, the error for that is an UnreachedError.
    """
    found = _meaning(error, target, timeout_s)
    if reached or isinstance(error, (ssl.SSLError, socket.gaierror, *_BROKEN)):
        return found
    kind = SilentError if isinstance(error, TimeoutError) else UnreachedError
    return kind(found.cause, found.remedy, "connecting")


def _has_route() -> bool:
    """Return whether this machine has a route to a DNS root server; sends no packet."""
    for family, root in _ROOT_SERVERS.items():
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as asked:
                asked.connect((root, 53))
        except OSError:
            continue
        return True
    return False


_ROOT_SERVERS = {
    socket.AF_INET: "198.41.0.4",
    socket.AF_INET6: "2001:503:ba3e::2:30",
}


def _meaning(error: OSError, target: Target, timeout_s: float) -> TransportError:
    name = target.netloc
    if isinstance(error, ssl.SSLCertVerificationError):
        reason = error.verify_message or "it cannot be verified"
        return TransportError(
            f"the certificate of {name} is refused: {reason}",
            "set SSL_CERT_FILE to the root that signs it, if you trust it",
        )
    if isinstance(error, TimeoutError):
        return TransportError(
            f"{name} did not answer within {timeout_s:g} s",
            "see whether it can be reached from here",
            "waiting",
        )
    if isinstance(error, socket.gaierror):
        return NameNotFoundError(
            f"the name {name} was not resolved ({error.strerror})",
            "see the DNS settings, or HTTPS_PROXY if one is needed",
            "connecting" if error.errno == socket.EAI_AGAIN and _has_route() else "",
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, _BROKEN):
        return TransportError(
            f"no TLS with {name} ({error.reason or 'connection ended'})",
            "see what answers there: a proxy, or a server without TLS",
        )
    if isinstance(error, _BROKEN):
        return TransportError(
            f"the connection to {name} broke ({error.strerror or 'it was ended'})",
            "try again; then see what stands between, a proxy or a firewall",
            "answering",
        )
    return TransportError(
        f"{name} was not reached ({error.strerror or 'connection ended'})",
        "see whether it can be reached from here",
        "connecting",
    )


_BROKEN = (
    ConnectionResetError,
    ConnectionAbortedError,
    BrokenPipeError,
    ssl.SSLEOFError,
    ssl.SSLZeroReturnError,
    ssl.SSLSyscallError,
)
