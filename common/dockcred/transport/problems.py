"""What an exchange that failed below HTTP means: the cause, and what to do."""

from __future__ import annotations

import socket
import ssl

from dockcred.errors import NameNotFoundError, TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.transport.http import Target


def meaning(error: OSError, target: Target, timeout_s: float) -> TransportError:
    """Answer the error for a target that was to answer within a time in seconds."""
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
        )
    if isinstance(error, socket.gaierror):
        return NameNotFoundError(
            f"the name {name} was not resolved ({error.strerror})",
            "see the DNS settings, or HTTPS_PROXY if one is needed",
        )
    if isinstance(error, ssl.SSLError):
        return TransportError(
            f"no TLS with {name} ({error.reason or 'connection ended'})",
            "see what answers there: a proxy, or a server without TLS",
        )
    return TransportError(
        f"{name} was not reached ({error.strerror or 'connection ended'})",
        "see whether it can be reached from here",
    )
