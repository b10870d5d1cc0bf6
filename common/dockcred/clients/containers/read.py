"""Read the files of podman, skopeo and buildah: each auth.json, and registries.conf.

The rules are those of containers/image, pkg/docker/config and pkg/sysregistriesv2.
`credsStore` is never read. credHelpers and the helpers of registries.conf are asked by
host; auths are searched by namespace too. A file that cannot be read ends the search:
no later file is used.
"""

from __future__ import annotations

import os

from dockcred import system
from dockcred.clients.containers import canonical, decode, registry_of
from dockcred.clients.entries import Fault, decode_auth
from dockcred.clients.files import ClientFile, Found
from dockcred.system import toml_table

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from typing import Any

    from dockcred.clients.reference import Reference
    from dockcred.system.environment import Environment

AUTH_FILES = "containers-auth.json"
"""The value in `credential-helpers` that means the auth.json files."""

PODMAN_5, PODMAN_6 = 5, 6
"""The two rules for registries.conf: of containers/image up to 5.41, and from 5.42."""

VERSIONS = (PODMAN_5, PODMAN_6)


def auth_paths(environment: Environment) -> tuple[str, ...]:
    """Return the files in the order in which they are searched.

    With REGISTRY_AUTH_FILE, skopeo 1.9 and podman 4.3 read the other files after it
    (measured). Later versions do not.
    """
    named = environment.get("REGISTRY_AUTH_FILE")
    home = environment.home()
    runtime = environment.get("XDG_RUNTIME_DIR")
    first = runtime or f"/run/containers/{system.user()}"
    docker = environment.get("DOCKER_CONFIG") or f"{home}/.docker"
    config = environment.get("XDG_CONFIG_HOME") or f"{home}/.config"
    return (
        *((named,) if named else ()),
        f"{first}/containers/auth.json" if runtime else f"{first}/auth.json",
        f"{config}/containers/auth.json",
        f"{docker}/config.json",
        f"{home}/.dockercfg",
    )


def auth_files(environment: Environment) -> Iterator[PodmanFile]:
    """Yield the files in the order of search; each is read only when it is needed."""
    *paths, oldest = auth_paths(environment)
    for path in paths:
        yield PodmanFile(path)
    yield PodmanFile(oldest, is_legacy=True)


class PodmanFile(ClientFile):
    """One file as containers/image decodes it.

    `content` has `auths` and `credHelpers` under exactly these names, whatever their
    case in the file. An entry has only `auth` and `identitytoken`. Other fields are
    unchanged.
    """

    __slots__ = ("is_legacy",)

    def __init__(self, path: str, *, is_legacy: bool = False) -> None:
        """Read the file; `is_legacy` means .dockercfg, which has only `auths`."""
        self.is_legacy = is_legacy
        super().__init__(path)

    def parse(self, data: bytes) -> Mapping[str, Any]:
        """Return what containers/image decodes; raise the errors of `decode`."""
        return decode(data, is_legacy=self.is_legacy)


def helpers(
    environment: Environment, version: int = PODMAN_5, root: str = ""
) -> tuple[str, ...]:
    """Return `credential-helpers` of registries.conf: the last file with it counts."""
    return said(environment, version, root)[0]


def said(
    environment: Environment, version: int = PODMAN_5, root: str = ""
) -> tuple[tuple[str, ...], str]:
    """Return `credential-helpers`, and the path of its file; "" for the default."""
    named: tuple[str, ...] = ()
    by = ""
    for path in registries_files(environment, version, root):
        found = helpers_in(load_registries(path))
        if found is not None:
            named, by = tuple(map(str, found)), path
    return (named, by) if named else ((AUTH_FILES,), "")


def all_helpers(environment: Environment) -> tuple[str, ...]:
    """Return the helpers that either version asks, those of the older one first."""
    each = [name for version in VERSIONS for name in helpers(environment, version)]
    return tuple(dict.fromkeys(each))


def helpers_in(content: Mapping[str, Any]) -> list[Any] | None:
    """Return `credential-helpers` of a file, with the name in any case, or None."""
    for name, value in content.items():
        if name.lower() == "credential-helpers" and isinstance(value, list):
            return value
    return None


def read_registries(
    environment: Environment, version: int = PODMAN_5
) -> Iterator[dict[str, Any]]:
    """Yield registries.conf and its drop-in files; skip those that are not TOML."""
    for path in registries_files(environment, version):
        if content := load_registries(path):
            yield content


def load_registries(path: str) -> dict[str, Any]:
    """Return one file's content; {} if it cannot be read."""
    return parse_registries(path)[0]


def parse_registries(path: str) -> tuple[dict[str, Any], str]:
    """Return one file's content, and why podman stops at it, or ""."""
    try:
        with open(path, "rb") as file:
            text = file.read().removeprefix(b"\xef\xbb\xbf").decode()
        return toml_table.loads(text), ""
    except ValueError:
        return {}, "is not TOML"
    except OSError as error:
        return {}, f"cannot be read ({error.strerror})"


def registries_files(
    environment: Environment, version: int = PODMAN_5, root: str = ""
) -> Iterator[str]:
    """Yield the paths of registries.conf and its drop-in files, in reading order.

    `root` is a prefix for the system's own directories.
    """
    named = environment.get("CONTAINERS_REGISTRIES_CONF")
    own, general = own_registries(environment, version), f"{root}{_SYSTEM}"
    if version == PODMAN_5:
        has_own = not named and os.path.exists(own)
        yield named or (own if has_own else general)
        if not has_own:
            yield from _drop_ins((f"{general}.d",), follows=False)
        yield from _drop_ins((f"{own}.d",), follows=False)
        return
    vendors = f"{root}{_VENDOR}"
    if named:
        yield named
    else:
        yield from [p for p in (own, general, vendors) if os.path.exists(p)][:1]
        behind = [d for main in (vendors, general) for d in _drop_in_places(main)]
        yield from _drop_ins((*behind, f"{own}.d"), follows=True)
    if last := environment.get("CONTAINERS_REGISTRIES_CONF_OVERRIDE"):
        yield last


_SYSTEM = "/etc/containers/registries.conf"
_VENDOR = "/usr/share/containers/registries.conf"


def own_registries(environment: Environment, version: int) -> str:
    """Return the path of a user's own registries.conf.

    podman 6 looks in XDG_CONFIG_HOME; older versions look only below the home.
    """
    config = environment.get("XDG_CONFIG_HOME") if version != PODMAN_5 else ""
    return f"{config or f'{environment.home()}/.config'}/containers/registries.conf"


def _drop_in_places(main: str) -> Iterator[str]:
    """Yield podman 6's drop-in directories for a file; the last has precedence."""
    uid = system.user()
    kind = "rootless" if uid else "rootful"
    special = f"{main.removesuffix('.conf')}.{kind}.conf.d"
    yield from (f"{main}.d", special)
    if uid:
        yield f"{special}/{uid}"


def _drop_ins(directories: Iterable[str], *, follows: bool) -> Iterator[str]:
    """Yield the files in these directories, sorted by name.

    Of two files with one name, the later directory's counts. With `follows`, a
    directory may be a symlink, as for podman 6; podman 5 ignores such a directory.
    """
    found = {}
    for directory in directories:
        if not follows and os.path.islink(directory):
            continue
        try:
            for entry in os.scandir(directory):
                is_file = not entry.is_dir(follow_symlinks=False)
                if is_file and entry.name.endswith(".conf"):
                    found[entry.name] = entry.path
        except OSError:
            continue
    for _, path in sorted(found.items()):
        yield path


def look_up(file: ClientFile, reference: Reference) -> Found | None:
    """Return what one file has for a registry, the longest namespace first.

    None means that the client goes on to the next file. An entry without a credential
    hides entries of wider namespaces, but only in its own file. A helper with an empty
    name is run too, and fails.
    """
    key = reference.containers_key
    table = file.table("credHelpers")
    if key in table:
        return Found(file.path, f'credHelpers["{key}"]', helper=str(table[key]))
    auths = file.table("auths")
    for name in (*_names(file, reference), *rivals(file, reference)[:1]):
        if name in auths:
            return _found(file.path, name, auths[name])
    return None


def rivals(file: ClientFile, reference: Reference) -> list[str]:
    """Return the keys for a registry of which podman takes any by chance.

    Empty if a key matches exactly. A single key in the result has no rival.
    """
    auths = file.table("auths")
    if any(name in auths for name in _names(file, reference)):
        return []
    is_legacy = isinstance(file, PodmanFile) and file.is_legacy
    wanted = canonical(reference.containers_key)
    return [name for name in auths if registry_of(name, is_legacy=is_legacy) == wanted]


def _found(path: str, name: str, entry: Any) -> Found | None:
    held = decode_auth(entry.get("auth"))
    if held.fault in {Fault.EMPTY, Fault.NO_COLON}:
        return None
    is_broken = held.fault in {Fault.NOT_BASE64, Fault.UNPADDED, Fault.NOT_TEXT}
    says = held.username or held.password or entry.get("identitytoken")
    if not is_broken and not says:
        return None
    return Found(path, f'auths["{name}"]', entry=entry)


def _names(file: ClientFile, reference: Reference) -> Iterator[str]:
    is_legacy = isinstance(file, PodmanFile) and file.is_legacy
    segments = reference.repository.split("/") if reference.repository else []
    while segments and not is_legacy:
        yield "/".join((reference.containers_key, *segments))
        segments.pop()
    yield reference.containers_key
