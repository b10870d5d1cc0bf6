"""Whom the clouds' own files and this machine's firmware lead to; nobody is asked."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from dockcred import wiring
from dockcred.errors import DockcredError
from dockcred.providers.acr.sources import CLI
from dockcred.providers.google import hosts as google
from dockcred.system import cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dockcred.system.environment import Environment

_MOST_BYTES = 1024 * 1024
_MOST_SHOWN = 6


def own_registries(environment: Environment) -> list[str]:
    """Return registries that identities name as their own, one for each of Google's."""
    found: list[str] = []
    for name in wiring.PROVIDERS:
        try:
            own = wiring.provider(name).own_servers(environment)
        except DockcredError:
            continue
        found += own[:1] if name == "google" else own
    return found


def here(environment: Environment) -> list[str]:
    """Return who could be asked, in sentences, by cloud."""
    found = [*_google(environment), *_azure(environment)]
    found += _github(environment)
    if (firmware := cloud.Hardware()).cloud in {cloud.AWS, cloud.AZURE, cloud.GOOGLE}:
        found.append(f"this machine is {firmware.cloud}'s, by its firmware")
    return found


def _google(environment: Environment) -> Iterator[str]:
    active, _ = google.gcloud_settings(environment)
    directory = os.path.dirname(active)
    try:
        names = sorted(
            name.removeprefix("config_")
            for name in os.listdir(directory)
            if name.startswith("config_")
        )
    except OSError:
        names = []
    if names:
        now = os.path.basename(active).removeprefix("config_")
        shown = [f"{name} (active)" if name == now else name for name in names]
        yield f"gcloud configurations: {_listed(shown)}"
    where = google.adc_file(environment)
    if where and os.path.isfile(where):
        yield f"Google's application default credentials: {where}"


def _azure(environment: Environment) -> Iterator[str]:
    from dockcred.providers.acr.identity import login_files  # noqa: PLC0415 - for `setup`

    profile = _json(login_files(CLI, environment)[0])
    rows = profile.get("subscriptions")
    found = []
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and row.get("isDefault"):
            user = row.get("user")
            name = user.get("name", "") if isinstance(user, dict) else ""
            found.append(f"{name} in tenant {row.get('tenantId', '')}")
    if found:
        yield f"az login: {_listed(found)}"


def _github(environment: Environment) -> Iterator[str]:
    own = wiring.provider("github").own_servers(environment)
    if own:
        yield f"a GitHub token or login: {_listed(list(own))}"


def _json(path: str) -> dict[str, object]:
    """Return what az has written, which begins with a byte-order mark."""
    try:
        with open(path, encoding="utf-8-sig") as file:
            found = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _listed(names: list[str]) -> str:
    more = len(names) - _MOST_SHOWN
    text = ", ".join(names[:_MOST_SHOWN])
    return f"{text} and {more} more" if more > 0 else text
