"""What a format can be told besides the logins; each takes only what it names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dockcred.errors import InvalidInputError


@dataclass(frozen=True, slots=True)
class Options:
    """Fields as the options of `dockcred render` name them; empty means the default.

    consumer    the reader whose stricter rules hold (--for)
    name        of the Kubernetes object, or the path of Nomad's variable
    namespaces  of Kubernetes: one Secret each; none leaves it to kubectl
    ca_certs    by registry, the PEM text of the authorities to trust
    insecure    registries whose certificate is not checked
    extra_env   HTTP_PROXY, HTTPS_PROXY and NO_PROXY, with their values
    """

    consumer: str = ""
    name: str = ""
    namespaces: tuple[str, ...] = ()
    ca_certs: Mapping[str, str] = field(default_factory=dict)
    insecure: tuple[str, ...] = ()
    extra_env: Mapping[str, str] = field(default_factory=dict)


def read_pem(path: str) -> str:
    """Read a file of authorities; raise InvalidInputError for what is no text."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        raise InvalidInputError(f"{path} is not text", "name a PEM file") from None
