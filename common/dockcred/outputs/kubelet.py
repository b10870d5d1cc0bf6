"""kubelet's CredentialProviderConfig (kubelet.config.k8s.io/v1), decoded strictly."""

from __future__ import annotations

import json
from collections.abc import Iterable
from fnmatch import fnmatchcase

from dockcred.errors import InvalidInputError

PROVIDER = "dockcred-credential-provider"

CLOUDS = (
    "*.dkr.ecr.*.amazonaws.com",
    "*.dkr.ecr.*.amazonaws.com.cn",
    "*.dkr.ecr.*.amazonaws.eu",
    "*.dkr.ecr-fips.*.amazonaws.com",
    "*.dkr-ecr.*.on.aws",
    "*.dkr-ecr-fips.*.on.aws",
    "public.ecr.aws",
    "*.azurecr.io",
    "*.azurecr.cn",
    "*.azurecr.us",
    "gcr.io",
    "*.gcr.io",
    "*.pkg.dev",
    "ghcr.io",
)
"""Hosts that answer to a cloud's identity. A `*` is within one label."""


def config(patterns: Iterable[str]) -> str:
    """Write the file for images that match; raise InvalidInputError for a bad pattern.

    The default duration holds only where an answer names none, and ours name theirs.
    """
    images = "".join(f"      - {json.dumps(_checked(p))}\n" for p in patterns)
    return f"""\
apiVersion: kubelet.config.k8s.io/v1
kind: CredentialProviderConfig
providers:
  - name: {PROVIDER}
    apiVersion: credentialprovider.kubelet.k8s.io/v1
    matchImages:
{images}    defaultCacheDuration: "0s"
"""


def is_shared(name: str) -> bool:
    """Tell a domain below which a cloud's customers have their registries."""
    if name in CLOUDS:
        return False
    labels = name.split(".")
    return len(labels) == 1 or any(
        len(labels) < len(pattern)
        and all(map(fnmatchcase, reversed(labels), reversed(pattern)))
        for pattern in (cloud.split(".") for cloud in CLOUDS)
    )


def _checked(pattern: str) -> str:
    host, _, path = pattern.partition("/")
    name, _, port = host.partition(":")
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789.-*")
    if (
        not allowed.issuperset(name)
        or not all(name.split("."))
        or (port and not port.isdigit())
        or "*" in path
        or not path.isprintable()
    ):
        raise InvalidInputError(
            f"{pattern!a} is no pattern of kubelet's",
            "write HOST[:PORT][/PATH], with * within a label of the host only",
        )
    return pattern
