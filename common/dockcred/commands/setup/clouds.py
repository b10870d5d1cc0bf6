"""Identities that the clouds' files and the firmware show; no request is sent."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

from dockcred import wiring
from dockcred.clients.reference import Reference
from dockcred.errors import DockcredError
from dockcred.providers.acr.sources import CLI
from dockcred.providers.alibaba import profiles as alibaba
from dockcred.providers.ecr import accounts
from dockcred.providers.ecr.endpoints import ProfileSettings
from dockcred.providers.google import hosts as google
from dockcred.providers.oracle import profiles as oracle
from dockcred.system import cloud

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from dockcred.system.environment import Environment

_MOST_BYTES = 1024 * 1024
_MOST_SHOWN = 6


class AwsAccount(NamedTuple):
    """An AWS account that profiles belong to; `host` is "" if no region is known."""

    number: str
    host: str
    pattern: str


def aws_accounts(environment: Environment) -> list[AwsAccount]:
    """Return the accounts of the user's profiles, as the AWS files say."""
    said = environment.first("AWS_REGION", "AWS_DEFAULT_REGION")
    found = []
    for number, names in accounts.profiles_by_account(environment).items():
        settings = (ProfileSettings(environment, name).settings for name in names)
        regions = (each.get("region", "") for each in settings)
        region = next(filter(None, regions), said)
        host = accounts.host_of(number, region) if region else ""
        domain = host.partition(f".{region}.")[2] if region else "amazonaws.com"
        found.append(AwsAccount(number, host, f"{number}.dkr.ecr.*.{domain}"))
    return found


def own_registries(
    environment: Environment, named: Iterable[str], own_accounts: Iterable[AwsAccount]
) -> list[str]:
    """Return registries that identities name as their own.

    Of Google's registries it returns one, and none if `named` has one of Google's.
    """
    found: list[str] = []
    for name in wiring.PROVIDERS:
        provider = wiring.provider(name)
        try:
            own = provider.own_servers(environment)
        except DockcredError:
            continue
        if name == "google":
            others = any(provider.matches(Reference(each).server) for each in named)
            own = () if others else own[:1]
        found += own
    hosts = [each.host for each in own_accounts if each.host]
    return found + hosts[:_MOST_SHOWN]


def here(environment: Environment) -> list[str]:
    """Return the identities that could be asked, one sentence each."""
    found = [*_aws(environment), *_google(environment), *_azure(environment)]
    found += [*_tokens("github", environment), *_tokens("gitlab", environment)]
    found += [*_alibaba(environment), *_oracle(environment)]
    if (firmware := cloud.Hardware()).cloud not in {"", cloud.NONE}:
        found.append(f"this machine is {firmware.cloud}'s, by its firmware")
    return found


def _aws(environment: Environment) -> Iterator[str]:
    found = [
        f"{name} ({number})"
        for number, names in accounts.profiles_by_account(environment).items()
        for name in names
    ]
    if found:
        yield f"AWS profiles: {_listed(found)}"


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
    from dockcred.providers.acr.identity import login_files  # noqa: PLC0415 - setup

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


def _tokens(name: str, environment: Environment) -> Iterator[str]:
    whose = {"github": "GitHub", "gitlab": "GitLab"}[name]
    if own := wiring.provider(name).own_servers(environment):
        yield f"a {whose} token or login: {_listed(list(own))}"


def _alibaba(environment: Environment) -> Iterator[str]:
    if found := alibaba.names(environment):
        yield f"profiles of Alibaba Cloud's CLI: {_listed(found)}"


def _oracle(environment: Environment) -> Iterator[str]:
    if found := oracle.names(environment):
        yield f"profiles of Oracle's configuration: {_listed(found)}"


def _json(path: str) -> dict[str, object]:
    """Return a file that az wrote; az begins it with a byte-order mark."""
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
