"""docker-credential-keyring: a credsStore on the OS keychain, `pass` or a vault.

DOCKCRED_STORE or config.toml names the backend; else it is a vault or the OS keychain.
"""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import keyring_store


def main() -> None:
    """Serve one request of the docker credential-helper protocol."""
    serve("docker-credential-keyring", keyring_store)
