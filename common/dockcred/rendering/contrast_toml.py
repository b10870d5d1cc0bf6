"""contrast-imagepuller.toml, with which Contrast's guests pull images.

Each registry is a quoted table with a dot behind its host, and `auth` alone. The image
puller gives a host's credential to every host below it: a cloud's own domain, under
which strangers have their registries, is refused.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterator, Sequence

import tomlkit

from dockcred.errors import InvalidInputError
from dockcred.outputs.kubelet import is_shared
from dockcred.reference import HUB_INDEX
from dockcred.rendering import entries
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options

FILE = "contrast-imagepuller.toml"
TAKES = ("ca_certs", "insecure", "extra_env")
READERS: tuple[str, ...] = ()
EXTRA_ENV = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
HUB = (HUB_INDEX,)


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write [extra-env] and one [registries."HOST."] for each login."""
    entries.refuse_tokens(logins, "Contrast's image puller")
    tables = entries.by_key(entries.by_host(logins, HUB))
    named = {login.registry for login in logins}
    for registry in (*options.ca_certs, *options.insecure):
        if registry not in named:
            raise InvalidInputError(
                f"{registry!a} is none of the registries", "name it with --registry too"
            )
    document = tomlkit.document()
    if options.extra_env:
        document["extra-env"] = _checked(options)
    registries = tomlkit.table(is_super_table=True)
    for host, login in tables.items():
        refuse_host(host)
        registries[f"{host}."] = _table(login, options)
    document["registries"] = registries
    return tomlkit.dumps(document).encode()


def cautions(logins: Sequence[Login]) -> Iterator[str]:
    """Tell of what works today and is promised nowhere."""
    for host, _ in entries.by_host(logins, HUB):
        if ":" in host:
            yield f"{host}: Contrast does not document registries with a port"


def refuse_host(host: str) -> None:
    """Raise InvalidInputError for a host whose credential would go to strangers.

    And for an address: the image puller compares labels of names, from the right.
    """
    name = host.rpartition(":")[0] if host.rpartition(":")[2].isdigit() else host
    if is_address(name):
        raise InvalidInputError(
            f"{host} is an address, and Contrast finds registries by name", "name one"
        )
    if is_shared(name):
        raise InvalidInputError(
            f"{name} is a domain of many registries, and each of them would get the"
            " credential",
            "name the registry itself",
        )


def is_address(name: str) -> bool:
    """Tell an IP address, with or without brackets."""
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def holds_certificates(pem: str) -> bool:
    """Tell whether a text has any: without one the image puller trusts nobody."""
    try:
        ssl.create_default_context(cadata=pem)
    except (ssl.SSLError, ValueError):
        return False
    return True


def _table(login: Login, options: Options) -> dict[str, object]:
    table: dict[str, object] = {"auth": entries.auth(login)}
    if pem := options.ca_certs.get(login.registry):
        if not holds_certificates(pem):
            raise InvalidInputError(
                f"the authorities for {login.registry} are no certificates",
                "name a PEM file",
            )
        table["ca-certs"] = tomlkit.string(pem, multiline=True)
    if login.registry in options.insecure:
        table["insecure-skip-verify"] = True
    return table


def _checked(options: Options) -> dict[str, str]:
    for name, value in options.extra_env.items():
        if name not in EXTRA_ENV:
            raise InvalidInputError(
                f"Contrast sets no {name!a}", f"choose of {', '.join(EXTRA_ENV)}"
            )
        if not value:
            raise InvalidInputError(f"{name} is not set", f"write {name}=VALUE")
    return dict(sorted(options.extra_env.items()))
