"""Which hosts are Google's registries: Container Registry and Artifact Registry.

cloud.google.com/artifact-registry/docs/repositories/repo-locations: LOCATION-docker
.pkg.dev, and docker.REGION.rep.pkg.dev for the regional endpoints. Hosts are compared
label by label, from end to end: new locations need no new release.
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError

MIRROR = "mirror.gcr.io"
_ANY, _ANY_DOCKER = "*", "*-docker"
PATTERNS = (
    "gcr.io",
    "*.gcr.io",
    "*-docker.pkg.dev",
    "docker.*.rep.pkg.dev",
)


def is_served(host: str, more: tuple[str, ...] = ()) -> bool:
    """Tell whether a canonical host (lower-case, no trailing dot) is Google's.

    `more` are patterns that are asked for: those of sovereign clouds, and the public
    mirrors of Docker Hub, which need no token and get none unasked.
    """
    labels = host.split(".")
    if any(_matches(labels, pattern) for pattern in more):
        return True
    if host == MIRROR or host.endswith(f"-{MIRROR}"):
        return False
    return any(_matches(labels, pattern) for pattern in PATTERNS)


def read(text: str) -> tuple[str, ...]:
    """Read the patterns of a variable, or raise InvalidInputError.

    Only a first label may be `*` or `*-docker`, and two plain labels must follow.
    """
    patterns = tuple(text.lower().replace(",", " ").split())
    for pattern in patterns:
        first, *rest = pattern.split(".")
        plain = rest if first in {_ANY, _ANY_DOCKER} else [first, *rest]
        if len(plain) < 2 or not all(map(_is_label, plain)):  # noqa: PLR2004 - no TLD
            raise InvalidInputError(
                f"DOCKCRED_GOOGLE_HOSTS names {pattern!a}, which is no registry's host",
                "write it whole, or with * or *-docker before two labels or more",
            )
    return patterns


def _is_label(text: str) -> bool:
    return text.isascii() and text.replace("-", "").isalnum()


def _matches(labels: list[str], pattern: str) -> bool:
    wanted = pattern.split(".")
    return len(labels) == len(wanted) and all(map(_fits, labels, wanted))


def _fits(label: str, wanted: str) -> bool:
    if wanted == _ANY:
        return True
    if wanted == _ANY_DOCKER:
        return label.endswith("-docker") and label != "-docker"
    return label == wanted
