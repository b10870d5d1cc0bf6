"""docker-credential-auto: one name for every registry.

For a cloud's registry it uses the cloud identity at hand; for any other, the keychain.
config.toml says which identity serves which registry.
"""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import auto_store, kubelet_plugin


def main() -> None:
    """Serve one request of the docker credential-helper protocol."""
    serve("docker-credential-auto", auto_store, open_plugin=kubelet_plugin)
