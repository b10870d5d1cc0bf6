"""The Secret from which Contrast's node installer takes contrast-imagepuller.toml.

In kube-system unless told otherwise. Its content is seen in pod annotations: use
credentials that end soon and can only pull. The node installer reads it at its start.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockcred.rendering import contrast_toml, kubernetes
from dockcred.rendering.login import Login, earliest_end
from dockcred.rendering.options import Options

FILE = "secret.json"
TAKES = ("name", "namespaces", *contrast_toml.TAKES)
READERS: tuple[str, ...] = ()
NAME = "contrast-node-installer-imagepuller-config"
NAMESPACE = "kube-system"


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write one Secret for each namespace."""
    return kubernetes.secrets(
        options.name or NAME,
        options.namespaces or (NAMESPACE,),
        "Opaque",
        (contrast_toml.FILE, contrast_toml.render(logins, options)),
        earliest_end(logins),
    )


def cautions(logins: Sequence[Login]) -> Iterator[str]:
    """Tell what is told of the file."""
    return contrast_toml.cautions(logins)
