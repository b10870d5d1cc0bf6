"""Render and check Contrast's Secret with the file contrast-imagepuller.toml.

Contrast's node installer reads the Secret when it starts. The file is handled in
`toml`, the Secret's form in `kubernetes`. Its default namespace is kube-system. Its
content is visible in pod annotations: use credentials that end soon and can only pull.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from dockcred.clients.contrast import toml
from dockcred.clients.contrast.toml import FILE as TOML_FILE
from dockcred.clients.entries import Login, earliest_end
from dockcred.clients.findings import Finding, error
from dockcred.clients.formats import Options
from dockcred.clients.kubernetes import check as kubernetes_check
from dockcred.clients.kubernetes import render as kubernetes_render

FILE = "secret.json"
OPTIONS = ("name", "namespaces", *toml.OPTIONS)
CONSUMERS: tuple[str, ...] = ()
NAME = "contrast-node-installer-imagepuller-config"
NAMESPACE = "kube-system"


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Return one Secret for each namespace."""
    return kubernetes_render.secrets(
        options.name or NAME,
        options.namespaces or (NAMESPACE,),
        "Opaque",
        (toml.FILE, toml.render(logins, options)),
        earliest_end(logins),
    )


def cautions(logins: Sequence[Login]) -> Iterator[str]:
    """Return the warnings about the file."""
    return toml.cautions(logins)


READER = toml.READER


def check(data: bytes) -> Iterator[Finding]:
    """Check each Secret."""
    for secret in kubernetes_check.secrets(data):
        yield from kubernetes_check.check_end(secret)
        text = kubernetes_check.content(secret, TOML_FILE)
        if text is None:
            yield error(
                kubernetes_check.SECRET,
                f"{kubernetes_check.name_of(secret)} has no {TOML_FILE}"
                " that can be decoded",
            )
        else:
            yield from toml.check(text)
