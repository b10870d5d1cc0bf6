"""kubelet's CredentialProviderConfig, which it decodes strictly (plugin/config.go).

One field that it does not know, or a duration that is a number, and kubelet does not
start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from dockcred.checking import manifest, text
from dockcred.checking.text import KEY
from dockcred.doctor.finding import Finding, error, fine, warning
from dockcred.errors import InvalidInputError
from dockcred.outputs import kubelet

READER = "kubelet"
PROVIDER = "provider"
_STOPS = "kubelet does not start"
_VERSIONS = ("v1", "v1beta1", "v1alpha1")
_CONFIG = {f"kubelet.config.k8s.io/{version}" for version in _VERSIONS}
_PLUGIN = {f"credentialprovider.kubelet.k8s.io/{version}" for version in _VERSIONS}
_DURATION = re.compile(r"\+?(0|((\d+\.?\d*|\.\d+)(ns|us|µs|μs|ms|s|m|h))+)")
_FIELDS: Mapping[str, type] = {
    "apiVersion": str,
    "args": list,
    "defaultCacheDuration": str,
    "env": list,
    "matchImages": list,
    "name": str,
    "tokenAttributes": dict,
}
_NEEDED = ("name", "apiVersion", "matchImages", "defaultCacheDuration")


def check(data: bytes) -> Iterator[Finding]:
    """Go through the file as kubelet does at its start."""
    for found in manifest.read(data):
        if (
            found.get("kind") != "CredentialProviderConfig"
            or found.get("apiVersion") not in _CONFIG
        ):
            yield error(
                KEY,
                f"it is no CredentialProviderConfig of kubelet.config.k8s.io: {_STOPS}",
                "see: dockcred render kubelet-config --all",
            )
            return
        for name in sorted(found.keys() - {"apiVersion", "kind", "providers"}):
            yield _unknown("", name)
        providers = found.get("providers")
        if not isinstance(providers, list) or not providers:
            yield error(KEY, f"it names no provider: {_STOPS}")
            return
        names = [text.table(provider).get("name") for provider in providers]
        for number, provider in enumerate(map(text.table, providers)):
            yield from _provider(f"providers[{number}]", provider)
            if names.index(names[number]) < number:
                yield error(
                    PROVIDER, f"providers[{number}] has another's name: {_STOPS}"
                )


def _provider(where: str, provider: Mapping[str, Any]) -> Iterator[Finding]:
    problems = list(_problems(where, provider))
    yield from problems
    if not problems:
        yield fine(PROVIDER, f"{where}: {text.word(provider['name'])}")


def _problems(where: str, provider: Mapping[str, Any]) -> Iterator[Finding]:
    for name in sorted(provider.keys() - _FIELDS.keys(), key=str):
        yield _unknown(f"{where}.", name)
    for name in _NEEDED:
        if not provider.get(name):
            yield error(PROVIDER, f"{where}.{name} is not there: {_STOPS}")
    for name, wanted in _FIELDS.items():
        value = provider.get(name)
        if value and not isinstance(value, wanted):
            yield error(PROVIDER, f"{where}.{name} is no {wanted.__name__}: {_STOPS}")
            return
    name = provider.get("name", "")
    if name in {".", ".."} or "/" in name or " " in name:
        yield error(PROVIDER, f"{where}.name is no file's name: {_STOPS}")
    if provider.get("apiVersion") and provider["apiVersion"] not in _PLUGIN:
        yield error(PROVIDER, f"{where}.apiVersion is none of kubelet's: {_STOPS}")
    duration = provider.get("defaultCacheDuration")
    if duration and not _DURATION.fullmatch(duration):
        yield error(
            PROVIDER,
            f"{where}.defaultCacheDuration is no duration of Go's: {_STOPS}",
            'write it as "11h30m"; a day is "24h"',
        )
    for pattern in provider.get("matchImages") or ():
        yield from _pattern(where, pattern)


def _pattern(where: str, pattern: object) -> Iterator[Finding]:
    try:
        kubelet.config([str(pattern)])
    except InvalidInputError:
        yield warning(
            PROVIDER,
            f"{where}: {text.shown(str(pattern))} matches no image",
            "write HOST[:PORT][/PATH], with * within a label of the host only",
        )


def _unknown(where: str, name: object) -> Finding:
    return error(KEY, f"{where}{text.shown(str(name))} is unknown: {_STOPS}")
