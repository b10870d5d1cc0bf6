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


def is_served(host: str, *, mirror: bool = False, more: tuple[str, ...] = ()) -> bool:
    """Tell whether a canonical host (lower-case, no trailing dot) is Google's.

    The public mirror of Docker Hub and its kin need no token and get one only where
    `mirror` asks for it; `more` are the patterns of sovereign clouds.
    """
    if _is_mirror(host) and not mirror:
        return False
    labels = host.split(".")
    return any(_matches(labels, pattern) for pattern in (*PATTERNS, *more))


def check(pattern: str) -> str:
    """Answer a configured pattern, or raise InvalidInputError.

    Only its first label may be `*` or `*-docker`, and two plain labels must follow.
    """
    first, *rest = pattern.lower().split(".")
    plain = (first, *rest) if first not in {_ANY, _ANY_DOCKER} else tuple(rest)
    sound = all(
        label and label.isascii() and label.replace("-", "").isalnum()
        for label in plain
    )
    if not sound or len(plain) < 2:  # noqa: PLR2004 - never a whole top-level domain
        raise InvalidInputError(
            "a Google registry's host name in the configuration is not one",
            "write it whole, or with * or *-docker before two labels or more",
        )
    return pattern.lower()


def _is_mirror(host: str) -> bool:
    return host == MIRROR or host.endswith(f"-{MIRROR}")


def _matches(labels: list[str], pattern: str) -> bool:
    wanted = pattern.split(".")
    return len(labels) == len(wanted) and all(map(_fits, labels, wanted))


def _fits(label: str, wanted: str) -> bool:
    if wanted == _ANY:
        return True
    if wanted == _ANY_DOCKER:
        return label.endswith("-docker") and label != "-docker"
    return label == wanted
