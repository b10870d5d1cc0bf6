"""The host of a table in contrast-imagepuller.toml: whose images get its credential."""

from __future__ import annotations

from collections.abc import Iterator

from dockcred.checking.text import KEY
from dockcred.doctor.finding import Finding, error, note, warning
from dockcred.outputs.kubelet import is_shared
from dockcred.reference import HUB, HUB_INDEX
from dockcred.rendering.contrast_toml import is_address


def check(where: str, key: str) -> Iterator[Finding]:
    """Find keys that match nothing, too much, or what nobody promises."""
    name = key.removesuffix(".")
    host = name.rpartition(":")[0] if name.rpartition(":")[2].isdigit() else name
    if not name:
        yield warning(
            KEY,
            f"{where} is for every registry that no other table is for",
            "name the registries",
        )
    elif "/" in name or "*" in name:
        yield error(
            KEY, f"{where} is never found: a key is a host", "write the host alone"
        )
    elif is_address(host):
        yield error(KEY, f"{where} is an address: Contrast finds names alone")
    elif is_shared(host.removeprefix(".")):
        yield error(
            KEY,
            f"{where} hands the credential to every registry of that domain, whoever"
            " has it",
            "name the registry itself",
        )
    elif name != name.lower():
        yield error(KEY, f"{where} is never found: hosts are in lower case")
    elif host.endswith("docker.io") and host not in {HUB, HUB_INDEX}:
        yield warning(
            KEY,
            f"{where} is not found: Contrast looks Docker Hub up as {HUB_INDEX}",
            f'write "{HUB_INDEX}."',
        )
    elif name.startswith("."):
        yield note(KEY, f"{where} is for every host below it, and not for itself")
    elif host != name:
        yield warning(KEY, f"{where} has a port, which Contrast does not document")
    elif not key.endswith("."):
        yield note(KEY, f"{where} has no dot at its end, as Contrast documents it")
