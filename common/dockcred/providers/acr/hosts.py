"""Which hosts are ACR's, and what differs between Azure's clouds."""

from __future__ import annotations

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

CLOUD_SUFFIXES = ("azurecr.io", "azurecr.cn", "azurecr.us", "azurecr.de")
_ALPHANUMERIC = frozenset("abcdefghijklmnopqrstuvwxyz0123456789")
_LABEL = _ALPHANUMERIC | {"-"}
_MIN_NAME, _MAX_NAME = 5, 50


class AcrRegistry:
    """A registry by the host of its login server; `suffix` tells the Azure cloud."""

    __slots__ = ("host", "suffix")

    def __init__(self, host: str, suffix: str) -> None:
        self.host = host
        self.suffix = suffix


def registry_of(host: str, custom: tuple[str, ...] = ()) -> AcrRegistry | None:
    """Parse a canonical host (lower-case, no trailing dot); None if it is not ACR's."""
    name, _, rest = host.partition(".")
    if not _is_name(name):
        return None
    suffixes = (*CLOUD_SUFFIXES, *custom)
    if rest in suffixes:
        return AcrRegistry(host, rest)
    region, _, rest = rest.partition(".")
    geo, _, suffix = rest.partition(".")
    if geo == "geo" and suffix in suffixes and region and set(region) <= _ALPHANUMERIC:
        return AcrRegistry(host, suffix)
    return None


def custom_suffixes(text: str) -> tuple[str, ...]:
    """Parse the host suffixes of further clouds, separated by commas or blanks.

    Raises InvalidInputError for a suffix that is not a domain or has a single label.
    Also for one inside Azure's own suffixes, where data endpoints and private links
    are.
    """
    found = tuple(
        word.lower().strip(".") for word in text.replace(",", " ").split() if word
    )
    for suffix in found:
        labels = suffix.split(".")
        if len(labels) < 2 or not all(map(_is_label, labels)):  # noqa: PLR2004
            raise InvalidInputError(
                "a custom ACR suffix is not a domain of two labels or more",
                "write it like azurecr.example.org",
            )
        if any(f".{suffix}".endswith(f".{known}") for known in CLOUD_SUFFIXES):
            raise InvalidInputError(
                "a custom ACR suffix lies inside one of Azure's own",
                "leave it out: Azure's login servers are known",
            )
    return found


def _is_name(label: str) -> bool:
    name, hyphen, tail = label.partition("-")
    if not _MIN_NAME <= len(name) <= _MAX_NAME or not _ALPHANUMERIC.issuperset(name):
        return False
    return not hyphen or (bool(tail) and _ALPHANUMERIC.issuperset(tail))


def _is_label(label: str) -> bool:
    return bool(label) and _LABEL.issuperset(label) and label.strip("-") == label


# For each registry suffix: Entra's authority, ACR's audience, Resource Manager's
# audience.
_CLOUDS = {
    "azurecr.io": (
        "https://login.microsoftonline.com",
        "https://containerregistry.azure.net",
        "https://management.azure.com",
    ),
    "azurecr.cn": (
        "https://login.chinacloudapi.cn",
        "https://containerregistry.azure.cn",
        "https://management.chinacloudapi.cn",
    ),
    "azurecr.us": (
        "https://login.microsoftonline.us",
        "https://containerregistry.azure.us",
        "https://management.usgovcloudapi.net",
    ),
    "azurecr.de": (
        "https://login.microsoftonline.de",
        "https://containerregistry.azure.de",
        "https://management.microsoftazure.de",
    ),
}
_PUBLIC = _CLOUDS["azurecr.io"]


def authority(registry: AcrRegistry, environment: Environment) -> str:
    """Return Entra's URL for a registry's cloud, without a slash at its end.

    AZURE_AUTHORITY_HOST may be a host or a URL, as azure-identity reads it.
    """
    named = environment.get("AZURE_AUTHORITY_HOST").strip().rstrip("/")
    if not named:
        return _CLOUDS.get(registry.suffix, _PUBLIC)[0]
    return named if "://" in named else f"https://{named}"


def audiences(registry: AcrRegistry, environment: Environment) -> tuple[str, ...]:
    """Return the audiences to ask a token for, the preferred one first.

    Raises InvalidInputError where DOCKCRED_ACR_AUDIENCE is not a resource's URI.
    """
    named = environment.get("DOCKCRED_ACR_AUDIENCE").strip()
    if not named:
        return _CLOUDS.get(registry.suffix, _PUBLIC)[1:]
    if not named.startswith(("https://", "api://")) or not named.isprintable():
        raise InvalidInputError(
            "DOCKCRED_ACR_AUDIENCE is not the URI of a resource",
            "set it like https://containerregistry.azure.net",
        )
    return (named.removesuffix("/.default").rstrip("/"),)
