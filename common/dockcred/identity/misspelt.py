"""Find what a misspelt name was meant to be: a cloud's host, or one of our names.

It is called only after a failure, since a name that works is not misspelt.
"""

from __future__ import annotations

import json
import os
import re
from difflib import get_close_matches
from importlib.util import find_spec

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_AZURE = ("azurecr.io", "azurecr.cn", "azurecr.us", "azurecr.de")
_WHOLE = {
    "ghcr.io": "GitHub",
    "docker.pkg.github.com": "GitHub",
    "registry.gitlab.com": "GitLab",
    "gcr.io": "Google",
    "public.ecr.aws": "Amazon",
    "ecr-public.aws.com": "Amazon",
    "docker.io": "Docker",
}
_WITH_NAMES = ("gcr.io", "docker.io")
"""Those hosts of _WHOLE that have subdomains, such as eu.gcr.io."""


def slip(word: str, names: Iterable[str]) -> str:
    """Return a remedy that corrects a misspelt word, or "" if no name is similar.

    `doctor` finds where the word is written, and corrects it.
    """
    meant = near(word, names)
    return f"write {meant!a} for {word!a}" if meant else ""


def near(word: str, names: Iterable[str]) -> str:
    """Return the name most similar to a word, or "" if none is similar enough."""
    known = {_plain(name): name for name in names}
    found = get_close_matches(_plain(word), known, 1, 0.6)
    return known[found[0]] if found else ""


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


_LONG = 12
_MISTAKEN_ENDS = frozenset({"com", "net", "org", "co", "dev"})
_LOCATION = re.compile(r"(?!docker\b)[a-z]+(-[a-z]+[0-9]+)?")


def misspelt(host: str) -> tuple[str, str]:
    """Return what is wrong with a host that is nearly a cloud's, and the remedy.

    Both are "" for every other host. Only for Amazon's hosts, the region is checked
    too: against botocore's list.
    """
    labels = host.split(".")
    for look in (
        *(_misspelt_ecr, _misspelt_azure, _misspelt_whole, _misspelt_google),
        *(_misspelt_oracle, _misspelt_alibaba),
    ):
        if found := look(labels):
            whose, why, meant = found
            reason = f": {why}" if why else ""
            return f"{host} is no registry of {whose}'s{reason}", f"write {meant}"
    return "", ""


def _misspelt_azure(labels: list[str]) -> tuple[str, str, str] | None:
    for size in (2, 3):
        name, tail = ".".join(labels[:-size]), ".".join(labels[-size:])
        if tail in _AZURE:
            return None
        if name and (meant := get_close_matches(tail, _AZURE, 1, 0.75)):
            return "Azure", "", f"{name}.{meant[0]}"
    return None


def _misspelt_whole(labels: list[str]) -> tuple[str, str, str] | None:
    host, rest = ".".join(labels), ".".join(labels[1:])
    for known, whose in _WHOLE.items():
        if host == known:
            return None
        if _is_near(host, known) or _has_mistaken_end(host, known):
            return whose, "", known
        if known in _WITH_NAMES and rest != known and _is_near(rest, known):
            return whose, "", f"{labels[0]}.{known}"
    return None


def _is_near(host: str, known: str) -> bool:
    """Return whether a host is a misspelling of a known one.

    That is: letters are swapped, the last label is similar, or a long name has one
    wrong letter.
    """
    if host != known and sorted(host) == sorted(known):
        return True
    start, _, end = host.rpartition(".")
    known_start, _, known_end = known.rpartition(".")
    if start == known_start and end not in {known_end, *_MISTAKEN_ENDS}:
        return bool(get_close_matches(end, (known_end,), 1, 0.5))
    return len(known) > _LONG and bool(get_close_matches(host, (known,), 1, 0.9))


def _has_mistaken_end(host: str, known: str) -> bool:
    start, _, end = host.rpartition(".")
    return start == known.rpartition(".")[0] and end in _MISTAKEN_ENDS


def _misspelt_google(labels: list[str]) -> tuple[str, str, str] | None:
    *head, middle, end = ["", "", *labels][-max(2, len(labels)) :]
    is_theirs = (middle, end) == ("pkg", "dev")
    is_docker = middle == "pkg" and bool(head) and head[-1].endswith("-docker")
    tail = f"{middle}.{end}"
    if (
        not is_theirs
        and not is_docker
        and not get_close_matches(tail, ("pkg.dev",), 1, 0.7)
    ):
        return None
    if len(head) > 1 and head[0] == "docker" and head[-1] == "rep":
        return None if is_theirs else ("Google", "", f"{'.'.join(head)}.pkg.dev")
    if len(head) == 1 and head[0].endswith("-docker") and is_theirs:
        return None
    found = _LOCATION.match(head[0]) if head else None
    location = found[0] if found else "LOCATION"
    meant = f"{location}-docker.pkg.dev"
    return (
        "Google",
        "",
        meant if found else f"{meant}, such as europe-west1-docker.pkg.dev",
    )


_OCIR = "ocir.io"
_REALM = re.compile(r"oracle(gov)?cloud[0-9]*\.(com|eu|uk)")
_REALMS = ("oraclecloud.com", "oraclecloud.eu", "oraclegovcloud.com")
"""Oracle's common realms. The others differ in a number, which cannot be guessed."""


def _misspelt_oracle(labels: list[str]) -> tuple[str, str, str] | None:
    first, *rest = labels
    tail = ".".join(rest)
    if tail != _OCIR and (_is_near(tail, _OCIR) or _has_mistaken_end(tail, _OCIR)):
        return "Oracle", "", f"{first}.{_OCIR}"
    host, end = ".".join(labels), ".".join(labels[-2:])
    near = [end] if _REALM.fullmatch(end) else get_close_matches(end, _REALMS, 1, 0.85)
    if len(rest) not in (3, 4) or sorted(first) != sorted("ocir") or not near:
        return None
    meant = f"ocir.{rest[0]}.oci.{near[0]}"
    return ("Oracle", "", meant) if meant != host else None


_ALIYUN = "aliyuncs.com"
_ALIYUN_REGION = re.compile(r"(af|ap|cn|eu|me|na|rus|sa|us)-[a-z0-9-]+")
_OF_REGISTRY = re.compile(r"(.+-)?registry(-internal|-vpc|-intl)*|crpi-.+")


def _misspelt_alibaba(labels: list[str]) -> tuple[str, str, str] | None:
    first, middle = labels[0], labels[1:-2]
    tail = ".".join(labels[-2:])
    if not middle or not _ALIYUN_REGION.fullmatch(middle[0]):
        return None
    if not _OF_REGISTRY.fullmatch(first):
        near = get_close_matches(first, ("registry",), 1, 0.85)
        if not near or tail != _ALIYUN:
            return None
        first = near[0]
    elif tail == _ALIYUN or not get_close_matches(tail, (_ALIYUN,), 1, 0.85):
        return None
    return "Alibaba Cloud", "", ".".join([first, *middle, _ALIYUN])


_ECR = ("dkr.ecr", "dkr.ecr-fips", "dkr-ecr", "dkr-ecr-fips")
_ACCOUNT_DIGITS = 12
_COMPASS = ("north", "south", "east", "west", "central")
_DIRECTIONS = (*_COMPASS, "northeast", "northwest", "southeast", "southwest")
_AREA = re.compile(r"us|eu|ap|sa|ca|me|af|il|mx|cn|us-gov|us-iso[bf]?|eu-isoe|eusc-de")
_ENDS = {
    "cn": ("amazonaws.com.cn", "on.amazonwebservices.com.cn"),
    "eusc-de": ("amazonaws.eu", "on.amazonwebservices.eu"),
}
_COMMON_ENDS = ("amazonaws.com", "on.aws")
_SECRET_ENDS = ("c2s.ic.gov", "sc2s.sgov.gov", "cloud.adc-e.uk", "csp.hci.ic.gov")
_REGION = re.compile(r"\b[a-z]{2,4}(?:-[a-z]+)+-[0-9]+\b")


def _misspelt_ecr(labels: list[str]) -> tuple[str, str, str] | None:
    account, *rest = labels
    parts = 1 if rest and "-" in rest[0] and len(rest[0]) > len("dkr") else 2
    service, region = ".".join(rest[:parts]), "".join(rest[parts : parts + 1])
    suffix = ".".join(rest[parts + 1 :])
    near = get_close_matches(service, _ECR, 1, 0.6)
    if not (account.isdigit() and region and near and _is_amazons(suffix)):
        return None
    if len(account) != _ACCOUNT_DIGITS:
        why = f"its account has {len(account)} digits"
        return "Amazon", why, "the account with its twelve digits"
    if service not in _ECR:
        meant = f"{account}.{near[0]}.{region}.{suffix}"
        return "Amazon", f"{service} is no service", meant
    before = f"{account}.{service}"
    if found := unknown_region(region):
        return "Amazon", found[0], _with_region(before, found[1], suffix)
    area = region.rpartition("-")[0].rpartition("-")[0]
    if "fips" in service and not area.startswith("us"):
        meant = f"{before.removesuffix('-fips')}.{region}.{suffix}"
        return "Amazon", f"{region} has no FIPS endpoint", meant
    wanted = _ENDS.get(area, _COMMON_ENDS)[parts == 1]
    if "iso" not in area and suffix != wanted:
        return "Amazon", f"{region} is not in {suffix}", f"{before}.{region}.{wanted}"
    return None


def _is_amazons(suffix: str) -> bool:
    """Return whether a suffix is one of Amazon's, or similar to one."""
    ends = [
        *_COMMON_ENDS,
        *_SECRET_ENDS,
        *(end for two in _ENDS.values() for end in two),
    ]
    is_below = any(suffix.startswith(f"{end}.") for end in _COMMON_ENDS)
    return bool(get_close_matches(suffix, ends, 1, 0.9 if is_below else 0.75))


def _with_region(before: str, regions: tuple[str, ...], suffix: str) -> str:
    if len(regions) == 1:
        return f"{before}.{regions[0]}.{suffix}"
    return f"its region: {', '.join(regions)}" if regions else "a region that AWS has"


def unknown_region(text: str) -> tuple[str, tuple[str, ...]] | None:
    """Return why the region in a text does not exist, and similar regions.

    None if the region exists, or the text has none. The list of regions is botocore's.
    Without botocore, only a name of the wrong form is known not to exist.
    """
    known = _regions()
    found = _REGION.search(text)
    region = found[0] if found else text
    if region in known or "." in region or " " in region:
        return None
    area, _, numbered = region.rpartition("-")
    area, _, direction = area.rpartition("-")
    if not _AREA.fullmatch(area) or not numbered.isdigit():
        return f"{region} is no region", tuple(get_close_matches(region, known, 3, 0.8))
    if direction not in _DIRECTIONS:
        near = get_close_matches(direction, _DIRECTIONS, 1, 0.5)
        return f"{region} is no region", tuple(f"{area}-{n}-{numbered}" for n in near)
    if not known:
        return None
    alike = [r for r in known if r.startswith(f"{area}-{direction}-")]
    near = alike or get_close_matches(region, known, 3, 0.7)
    return f"botocore knows no region {region}", tuple(near)


def _regions() -> list[str]:
    """Return the regions in botocore's own table, which is a file; [] without it.

    botocore is not imported.
    """
    spec = find_spec("botocore")
    places = spec.submodule_search_locations if spec else None
    try:
        path = os.path.join(*(places or ()), "data", "partitions.json")
        with open(path, "rb") as file:
            partitions = json.load(file)["partitions"]
        found = {name for partition in partitions for name in partition["regions"]}
    except (OSError, ValueError, LookupError, TypeError):
        return []
    return sorted(name for name in found if _REGION.fullmatch(name))
