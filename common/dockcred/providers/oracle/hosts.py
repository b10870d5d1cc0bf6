"""Which hosts are Oracle's registries, and where its command line keeps its files.

Source: docs.oracle.com, "Container Registry, Availability by Region". The realms are
those of Oracle's SDK (oci.regions_definitions); a test compares the two.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

USER = "BEARER_TOKEN"
"""The user name that the registry expects with every token."""

_SHORT = ["ocir", "io"]
_SERVICE, _PRODUCT = "ocir", "oci"
_LABEL = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")

REALMS = frozenset(
    {
        "oraclecloud.com",
        "oraclecloud.eu",
        "oraclegovcloud.com",
        "oraclegovcloud.uk",
        "oraclecloud8.com",
        "oraclecloud9.com",
        "oraclecloud10.com",
        "oraclecloud14.com",
        "oraclecloud15.com",
        "oraclecloud20.com",
        "oraclecloud21.com",
        "oraclecloud23.com",
        "oraclecloud24.com",
        "oraclecloud26.com",
        "oraclecloud29.com",
        "oraclecloud35.com",
        "oraclecloud42.com",
        "oraclecloud51.com",
        "oraclecloud52.com",
    }
)
"""The domain of each realm. Oracle owns all hosts below them, also those of future
regions."""


def is_registry(host: str) -> bool:
    """Return whether a canonical host is KEY.ocir.io or ocir.REGION.oci.REALM."""
    first, *rest = host.split(".")
    if rest == _SHORT:
        return is_region(first)
    region, *rest = rest or [""]
    product, *realm = rest or [""]
    return (
        (first, product) == (_SERVICE, _PRODUCT)
        and is_region(region)
        and ".".join(realm) in REALMS
    )


def is_region(label: str) -> bool:
    """Return whether a label of a host can be a region's name or key."""
    return _LABEL.issuperset(label) and label[:1].isalnum() and label[-1:].isalnum()


_CONFIG, _OLD_CONFIG = ".oci/config", ".oraclebmc/config"


def config_file(environment: Environment) -> str:
    """Return the path of the configuration, existing or not; "" without a home.

    A file in the home directory wins over OCI_CONFIG_FILE, as in Oracle's SDK.
    """
    if environment.get("OCI_CLI_CONFIG_FILE"):
        return expand(environment.get("OCI_CLI_CONFIG_FILE"), environment)
    home = environment.home()
    usual = f"{home}/{_CONFIG}" if home else ""
    if usual and os.path.isfile(usual):
        return usual
    if environment.get("OCI_CONFIG_FILE"):
        return expand(environment.get("OCI_CONFIG_FILE"), environment)
    old = f"{home}/{_OLD_CONFIG}"
    return old if home and os.path.isfile(old) else usual


def expand(path: str, environment: Environment) -> str:
    """Return a path with the home directory in place of a leading ~/."""
    return environment.home() + path[1:] if path.startswith("~/") else path
