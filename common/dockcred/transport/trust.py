"""Whose certificates are believed: what the variables name, else the system's roots.

Order: the cloud's own variable, SSL_CERT_FILE and SSL_CERT_DIR, REQUESTS_CA_BUNDLE,
OpenSSL's paths, the places of the distributions, certifi.
"""

from __future__ import annotations

import os
import ssl

from dockcred.errors import TransportError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dockcred.environment import Environment

_BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Alpine, Arch
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # Fedora, Red Hat
    "/etc/pki/tls/certs/ca-bundle.crt",  # Red Hat before 7
    "/etc/ssl/ca-bundle.pem",  # SUSE
    "/etc/ssl/cert.pem",  # macOS, Alpine, the BSDs
)


def context(environment: Environment, ca_variables: Iterable[str]) -> ssl.SSLContext:
    """Make a context that verifies the chain and the name; TLS 1.2 at least.

    Raises TransportError where no root is found, and says which file to set.
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    for variable in (*ca_variables, "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if path := environment.get(variable):
            _load(made, path, variable)
            return made
    if named := environment.get("SSL_CERT_DIR"):
        made.load_verify_locations(capath=named)
        return made
    if (directory := ssl.get_default_verify_paths().openssl_capath) and _is_hashed(
        directory
    ):
        # One file is read, the root that is needed: 0.25 ms, where the bundle of
        # all roots takes 16 to 20 ms (performance.md B4).
        made.load_verify_locations(capath=directory)
        return made
    for bundle in (ssl.get_default_verify_paths().openssl_cafile, *_BUNDLES):
        if os.path.isfile(bundle):
            made.load_verify_locations(cafile=bundle)
            return made
    _load_certifi(made)
    return made


def bundle(environment: Environment, ca_variables: Iterable[str]) -> str | None:
    """Name the file of roots for an SDK that would take certifi's; None for its own."""
    named = environment.first(*ca_variables, "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
    for path in (named, ssl.get_default_verify_paths().openssl_cafile, *_BUNDLES):
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
    """Tell whether a directory has OpenSSL's names: eight hex digits and .0."""
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
