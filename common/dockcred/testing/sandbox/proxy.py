"""The certificates that the proxy presents for real host names."""

from __future__ import annotations

import hashlib
import ssl
import threading
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trustme

WRONG_NAME = "wrong-certificate.invalid"
NEAR = ("169.254.169.254", "169.254.170.2", "169.254.170.23", "127.0.0.1", "localhost")


class Certificates:
    """The sandbox's own authority, and one certificate per host, made on demand."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._authority: trustme.CA | None = None
        self._contexts: dict[str, ssl.SSLContext] = {}
        self._thumbprints: dict[str, str] = {}

    def write(self, path: Path) -> None:
        """Write the authority's certificate, so that the command can trust it."""
        path.touch(mode=0o600)
        with self._lock:
            self._ca().cert_pem.write_to_path(str(path))

    def context(self, host: str) -> ssl.SSLContext:
        """Return a TLS context with the certificate of `host`."""
        with self._lock:
            if host not in self._contexts:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                leaf = self._ca().issue_cert(host)
                leaf.configure_cert(context)
                self._contexts[host] = context
                pem = leaf.cert_chain_pems[0].bytes().decode("ascii")
                # Service Fabric identifies certificates by SHA-1.
                self._thumbprints[host] = hashlib.sha1(
                    ssl.PEM_cert_to_DER_cert(pem), usedforsecurity=False
                ).hexdigest()
            return self._contexts[host]

    def thumbprint(self, host: str) -> str:
        """Return the SHA-1 thumbprint of the certificate of `host`."""
        self.context(host)
        return self._thumbprints[host]

    def _ca(self) -> trustme.CA:
        if self._authority is None:
            import trustme  # noqa: PLC0415 - only with TLS

            self._authority = trustme.CA()
        return self._authority


def variables(proxy_url: str, ca_file: Path) -> dict[str, str]:
    """Return variables that send real hosts to the proxy, and trust its authority."""
    ca, near = str(ca_file), ",".join(NEAR)
    return {
        "HTTPS_PROXY": proxy_url,
        "https_proxy": proxy_url,
        "NO_PROXY": near,
        "no_proxy": near,
        "SSL_CERT_FILE": ca,
        "AWS_CA_BUNDLE": ca,
        "REQUESTS_CA_BUNDLE": ca,
    }
