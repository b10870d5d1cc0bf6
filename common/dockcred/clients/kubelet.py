"""Render and check kubelet's CredentialProviderConfig."""

from __future__ import annotations

import errno
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from dockcred.clients import findings
from dockcred.clients.findings import KEY, Finding, error, fine, warning
from dockcred.clients.reference import Reference
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
    "registry.*.aliyuncs.com",
    "registry-*.*.aliyuncs.com",
    "crpi-*.*.personal.cr.aliyuncs.com",
    "*-registry.*.cr.aliyuncs.com",
    "*-registry-*.*.cr.aliyuncs.com",
)
"""Patterns of hosts for which a cloud's identity answers; `*` matches in one label."""


def config(patterns: Iterable[str]) -> str:
    """Return the file for images that match; raise InvalidInputError for a bad pattern.

    The default duration is 0, because each of our answers has its own duration.
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


def provider(patterns: Iterable[str]) -> dict[str, Any]:
    """Return our provider, to add to a list; raise InvalidInputError as `config`."""
    return {
        "name": PROVIDER,
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "matchImages": [_checked(pattern) for pattern in patterns],
        "defaultCacheDuration": "0s",
    }


def is_shared(name: str) -> bool:
    """Return whether many customers of a cloud have registries below a domain."""
    if name in CLOUDS:
        return False
    labels = name.split(".")
    return len(labels) == 1 or any(
        len(labels) < len(pattern)
        and all(map(fnmatchcase, reversed(labels), reversed(pattern)))
        for pattern in (cloud.split(".") for cloud in CLOUDS)
    )


def matches(pattern: str, image: str) -> bool:
    """Return whether a pattern matches an image by kubelet's rules.

    Each label must match, with as many labels and the same port. A path matches as a
    prefix (k8s.io/kubernetes pkg/credentialprovider, URLsMatchStr).
    """
    host, slash, path = pattern.removeprefix("https://").partition("/")
    place, _, repository = image.partition("/")
    (name, _, port), (label, _, at) = host.partition(":"), place.partition(":")
    labels, wanted = label.split("."), name.split(".")
    return (
        port == at
        and len(labels) == len(wanted)
        and all(map(fnmatchcase, labels, wanted))
        and (not slash or f"/{repository}".startswith(f"/{path}"))
    )


def image_of(reference: Reference) -> str:
    """Return an image's name as kubelet has it, always with a repository."""
    return reference.name if reference.repository else f"{reference.name}/repository"


def read(path: str) -> dict[str, bytes]:
    """Return the bytes of each file that kubelet reads when it starts, by path.

    `path` is a file, or since Kubernetes 1.34 a directory, whose files are read in the
    order of their names (pkg/credentialprovider/plugin, readCredentialProviderConfig).
    Raises OSError where kubelet would stop with an error.
    """
    names = [path]
    if os.path.isdir(path):
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
        names = [
            entry.path
            for entry in entries
            if os.path.splitext(entry.name)[1] in _ENDINGS
            and not entry.is_dir(follow_symlinks=False)
        ]
        if not names:
            raise FileNotFoundError(errno.ENOENT, "no *.json, *.yaml or *.yml", path)
    found = {}
    for name in names:
        with open(name, "rb") as file:
            found[name] = file.read()
    return found


def own_file(path: str, contents: Mapping[str, bytes]) -> str:
    """Return the path of the file that has our provider, or should get it."""
    for name, data in contents.items():
        for document in findings.read(data):
            if any(each["name"] == PROVIDER for each in document["providers"]):
                return name
    return os.path.join(path, "dockcred.yaml") if path not in contents else path


def problems(contents: Mapping[str, bytes]) -> Iterator[tuple[str, Finding]]:
    """Yield each problem that keeps kubelet from starting, with its file.

    `contents` is what `read` returned.
    """
    seen: set[str] = set()
    for name, data in contents.items():
        try:
            wrong = [(name, each) for each in check(data) if each.is_problem]
            yield from wrong
            if wrong:
                continue
            for document in findings.read(data):
                own = {provider["name"] for provider in document["providers"]}
                for twice in sorted(seen & own):
                    shown = findings.word(twice)
                    text = f"another file names the provider {shown}: {_STOPS}"
                    yield name, error(STEP, text, "take it out of one of them")
                seen |= own
        except InvalidInputError as broken:
            yield name, error(KEY, f"{broken.cause}: {_STOPS}", broken.remedy)


def asked(
    contents: Mapping[str, bytes], image: str
) -> list[tuple[str, Mapping[str, Any], str]]:
    """Return (file, provider, pattern) for each provider that is asked for an image.

    `contents` must be without `problems`.
    """
    return [
        (name, provider, pattern)
        for name, data in contents.items()
        for document in findings.read(data)
        for provider in document["providers"]
        for pattern in provider["matchImages"]
        if matches(pattern, image)
    ]


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


READER = "kubelet"
STEP = "provider"
_STOPS = "kubelet does not start"
_ENDINGS = frozenset({".json", ".yaml", ".yml"})
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
    """Check the file as kubelet reads it when it starts."""
    for found in findings.read(data):
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
        names = [findings.table(provider).get("name") for provider in providers]
        for number, provider in enumerate(map(findings.table, providers)):
            yield from _provider(f"providers[{number}]", provider)
            if names.index(names[number]) < number:
                yield error(STEP, f"providers[{number}] has another's name: {_STOPS}")


def _provider(where: str, provider: Mapping[str, Any]) -> Iterator[Finding]:
    problems = list(_problems(where, provider))
    yield from problems
    if not problems:
        yield fine(STEP, f"{where}: {findings.word(provider['name'])}")


def _problems(where: str, provider: Mapping[str, Any]) -> Iterator[Finding]:
    for name in sorted(provider.keys() - _FIELDS.keys(), key=str):
        yield _unknown(f"{where}.", name)
    for name in _NEEDED:
        if not provider.get(name):
            yield error(STEP, f"{where}.{name} is not there: {_STOPS}")
    for name, wanted in _FIELDS.items():
        value = provider.get(name)
        if value and not isinstance(value, wanted):
            yield error(STEP, f"{where}.{name} is no {wanted.__name__}: {_STOPS}")
            return
    name = provider.get("name", "")
    if name in {".", ".."} or "/" in name or " " in name:
        yield error(STEP, f"{where}.name is no file's name: {_STOPS}")
    if provider.get("apiVersion") and provider["apiVersion"] not in _PLUGIN:
        yield error(STEP, f"{where}.apiVersion is none of kubelet's: {_STOPS}")
    duration = provider.get("defaultCacheDuration")
    if duration and not _DURATION.fullmatch(duration):
        yield error(
            STEP,
            f"{where}.defaultCacheDuration is no duration of Go's: {_STOPS}",
            'write it as "11h30m"; a day is "24h"',
        )
    for pattern in provider.get("matchImages") or ():
        yield from _pattern(where, pattern)


def _pattern(where: str, pattern: object) -> Iterator[Finding]:
    try:
        config([str(pattern)])
    except InvalidInputError:
        yield warning(
            STEP,
            f"{where}: {findings.shown(str(pattern))} matches no image",
            "write HOST[:PORT][/PATH], with * within a label of the host only",
        )


def _unknown(where: str, name: object) -> Finding:
    return error(KEY, f"{where}{findings.shown(str(name))} is unknown: {_STOPS}")
