"""Which hosts are Google's, and where its services and files are.

A universe is Google's term for a cloud with an API domain of its own. Google's own
universe is googleapis.com; sovereign clouds are others.
"""

from __future__ import annotations

import os

from dockcred.errors import InvalidInputError
from dockcred.system.environment import google

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.system.environment import Environment

MIRROR = "mirror.gcr.io"
_ANY, _ANY_DOCKER = "*", "*-docker"
PATTERNS = (
    "gcr.io",
    "*.gcr.io",
    "*-docker.pkg.dev",
    "docker.*.rep.pkg.dev",
)

EVERYBODYS = (
    *(f"{area}-docker.pkg.dev" for area in ("us", "europe", "asia")),
    *("gcr.io", "us.gcr.io", "eu.gcr.io", "asia.gcr.io"),
)
"""The hosts that are named after no region. The regional hosts are not listed, since
nothing tells which of them exist."""


_REGISTRIES = {"s3nsapis.fr": "s3nsregistry.fr"}
_APIS, _PKG, _GOOG = "apis-", "pkg-", ".goog"


def of_universe(domain: str) -> tuple[str, ...]:
    """Return the host pattern of a universe's registries; () for Google's own universe.

    The registries' domain follows from the universe's domain: mostly it is `pkg.` and
    that domain. For a domain like apis-NAME.goog it is pkg-NAME.goog.
    """
    if not domain or domain == google.UNIVERSE:
        return ()
    registries = _REGISTRIES.get(domain, f"pkg.{domain}")
    if domain.startswith(_APIS) and domain.endswith(_GOOG) and domain.count(".") == 1:
        registries = f"{_PKG}{domain.removeprefix(_APIS)}"
    return (f"*-docker.{registries}",)


def is_served(host: str, more: tuple[str, ...] = ()) -> bool:
    """Return whether a canonical host (lower-case, no trailing dot) is Google's.

    `more` are further patterns that a person has configured: sovereign clouds, and the
    public mirrors of Docker Hub. Those mirrors need no token, and get none by default.
    """
    labels = host.split(".")
    if any(_matches(labels, pattern) for pattern in more):
        return True
    if host == MIRROR or host.endswith(f"-{MIRROR}"):
        return False
    return any(_matches(labels, pattern) for pattern in PATTERNS)


def read(text: str) -> tuple[str, ...]:
    """Parse the patterns of a variable; raise InvalidInputError for a wrong one.

    Only the first label may be `*` or `*-docker`, and two plain labels must follow it.
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


ADC_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
_DEFAULT, _NO_CONFIGURATION = "default", "NONE"
WELL_KNOWN = "application_default_credentials.json"
_TOLD_FILES = (
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
)
_TOLD = (
    *_TOLD_FILES,
    "CLOUDSDK_AUTH_ACCESS_TOKEN",
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
    "CLOUDSDK_CORE_ACCOUNT",
)


def adc_file(environment: Environment) -> str:
    """Return the path in the variable, else the well-known path; "" if neither is."""
    if named := environment.get(ADC_VARIABLE):
        return named
    directory = _gcloud_directory(environment)
    return f"{directory}/{WELL_KNOWN}" if directory else ""


def gcloud_files(environment: Environment) -> tuple[str, ...]:
    """Return the files that change at a login, a logout and a switch of account.

    access_tokens.db is not among them: gcloud writes it at every refresh.
    """
    told = filter(None, map(environment.get, _TOLD_FILES))
    directory = _gcloud_directory(environment)
    if not directory:
        return tuple(told)
    return (
        f"{directory}/credentials.db",
        f"{directory}/active_config",
        _configuration(environment, directory),
        *told,
    )


def may_be_configured(environment: Environment) -> bool:
    """Return whether there is a credentials file, a gcloud login, or a Google machine.

    It is a quick check without the SDK. Where it returns False,
    `identities.is_configured` would return False too.
    """
    where = adc_file(environment)
    if environment.get(ADC_VARIABLE) or (where and os.path.isfile(where)):
        return True
    return has_gcloud_login(environment) or is_machine(environment)


def is_machine(environment: Environment) -> bool:
    """Return whether this machine is in Google's cloud, or a variable says so."""
    from dockcred.system import cloud  # noqa: PLC0415 - for `list` only

    named = environment.get("GCE_METADATA_HOST")
    return bool(named) or cloud.Hardware().cloud == cloud.GOOGLE


def has_gcloud_login(environment: Environment) -> bool:
    """Return whether gcloud ever ran here, or a variable tells it what to use."""
    if is_gcloud_told(environment):
        return True
    directory = _gcloud_directory(environment)
    return bool(directory) and os.path.exists(f"{directory}/credentials.db")


def is_gcloud_told(environment: Environment) -> bool:
    """Return whether a variable tells gcloud which token or account to use."""
    return any(map(environment.get, _TOLD))


def gcloud_settings(environment: Environment) -> tuple[str, str]:
    """Return gcloud's settings files: of the active configuration, and the old one."""
    directory = _gcloud_directory(environment)
    return _configuration(environment, directory), f"{directory}/properties"


def _gcloud_directory(environment: Environment) -> str:
    if environment.get("CLOUDSDK_CONFIG"):
        return environment.path("CLOUDSDK_CONFIG", "")
    settings = environment.folder("programs")
    return f"{settings}/gcloud" if settings else ""


def _configuration(environment: Environment, directory: str) -> str:
    """Return the settings file of gcloud's active configuration."""
    name = environment.get("CLOUDSDK_ACTIVE_CONFIG_NAME") or _active(directory)
    return f"{directory}/configurations/config_{name}"


def _active(directory: str) -> str:
    """Return the active configuration's name; gcloud ignores an invalid one."""
    try:
        with open(f"{directory}/active_config", encoding="ascii") as file:
            name = file.read(256).strip()
    except (OSError, ValueError):
        return _DEFAULT
    plain = name.replace("-", "")
    is_one = plain.isalnum() and name[0].isalpha() and name.islower()
    return name if is_one or name == _NO_CONFIGURATION else _DEFAULT
