"""dockcred-credential-provider: kubelet's exec plugin for every registry."""

from __future__ import annotations

from dockcred.protocol import serve
from dockcred.wiring import kubelet_plugin, node_store


def main() -> None:
    """Serve one request of kubelet's, or of the credential-helper protocol."""
    serve("dockcred-credential-provider", node_store, open_plugin=kubelet_plugin)
