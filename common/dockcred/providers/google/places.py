"""Where Google's tools keep what chooses the identity; every cached get looks there."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment

ADC_VARIABLE = "GOOGLE_APPLICATION_CREDENTIALS"
WELL_KNOWN = "application_default_credentials.json"
_GCLOUD_IS_TOLD = (
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
)


def adc_file(environment: Environment) -> str:
    """Answer the file that the variable names, else the well-known one."""
    if named := environment.get(ADC_VARIABLE):
        return named
    directory = _gcloud_directory(environment)
    return f"{directory}/{WELL_KNOWN}" if directory else ""


def gcloud_files(environment: Environment) -> tuple[str, ...]:
    """Name the files that change with a login, a logout and a switch of account.

    access_tokens.db is not among them: gcloud writes it at every refresh.
    """
    told = filter(None, map(environment.get, _GCLOUD_IS_TOLD))
    directory = _gcloud_directory(environment)
    if not directory:
        return tuple(told)
    name = environment.get("CLOUDSDK_ACTIVE_CONFIG_NAME") or _active(directory)
    return (
        f"{directory}/credentials.db",
        f"{directory}/active_config",
        f"{directory}/configurations/config_{name}",
        *told,
    )


def has_gcloud_login(environment: Environment) -> bool:
    """Tell whether gcloud was ever logged in here, or is told what to use."""
    if any(map(environment.get, _GCLOUD_IS_TOLD)):
        return True
    directory = _gcloud_directory(environment)
    return bool(directory) and os.path.exists(f"{directory}/credentials.db")


def _gcloud_directory(environment: Environment) -> str:
    return environment.path("CLOUDSDK_CONFIG", ".config/gcloud")


def _active(directory: str) -> str:
    try:
        with open(f"{directory}/active_config", encoding="ascii") as file:
            return file.read(256).strip() or "default"
    except (OSError, ValueError):
        return "default"
