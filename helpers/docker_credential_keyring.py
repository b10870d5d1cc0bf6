"""docker-credential-keyring: a credsStore on the OS keychain, `pass` or a vault.

DOCKCRED_STORE names the backend; see the README for how it is chosen otherwise.
"""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.registry_table import keychain_store


def main() -> None:
    """Answer one request of the docker credential-helper protocol."""
    serve("docker-credential-keyring", keychain_store)
