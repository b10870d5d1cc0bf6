"""The options of `dockcred render`: those of every format, and those of some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import click

from dockcred.api.sources import NAMES
from dockcred.clients.formats import Format, Options, read_pem
from dockcred.commands.help import Choice, complete, complete_host
from dockcred.errors import InvalidInputError
from dockcred.system import environment

Decorator = Callable[[Any], Any]

LOGINS: tuple[Decorator, ...] = (
    click.option(
        "--registry",
        "registries",
        metavar="HOST",
        multiple=True,
        required=True,
        shell_complete=complete_host,
        help="A registry, as image names have it; may be repeated if the format holds"
        " several.",
    ),
    click.option(
        "--source",
        "sources",
        metavar="NAME",
        multiple=True,
        shell_complete=complete(*NAMES),
        help="A source to ask: identities, keychain, docker, containers, helper:NAME,"
        " …; several are asked in this order. The default is the identities, then"
        " the keychain.",
    ),
    click.option(
        "--min-life",
        metavar="SECONDS",
        type=click.FloatRange(min=0),
        default=0,
        help="Fail if a credential expires sooner than this.",
    ),
)

OUTPUT: tuple[Decorator, ...] = (
    click.option(
        "--output",
        "path",
        metavar="FILE",
        help="Write to this file in one step, for you alone to read; DIR/ means the"
        " file that the client looks for in DIR.",
    ),
    click.option("--show", is_flag=True, help="Print on a terminal, too."),
)

_OF_FORMATS: dict[str, Decorator] = {
    "name": click.option(
        "--name",
        metavar="NAME",
        default="",
        help="The name of the object that is written.",
    ),
    "namespaces": click.option(
        "--namespace",
        "namespaces",
        metavar="NAMESPACE",
        multiple=True,
        help="A namespace of Kubernetes; may be repeated.",
    ),
    "ca_certs": click.option(
        "--ca-certs",
        metavar="HOST=FILE",
        multiple=True,
        help="The certificate authorities to trust for a registry, in PEM.",
    ),
    "insecure": click.option(
        "--insecure",
        metavar="HOST",
        multiple=True,
        shell_complete=complete_host,
        help="Do not check this registry's certificate.",
    ),
    "extra_env": click.option(
        "--extra-env",
        metavar="NAME[=VALUE]",
        multiple=True,
        help="HTTP_PROXY, HTTPS_PROXY or NO_PROXY; without VALUE, the value here.",
    ),
}


def of_format(form: Format) -> Iterable[Decorator]:
    """Return the options that one format takes."""
    if form.CONSUMERS:
        yield click.option(
            "--for",
            "consumer",
            type=Choice(form.CONSUMERS),
            help="Follow the rules of this reader.",
        )
    for name in form.OPTIONS:
        yield _OF_FORMATS[name]


def chosen(given: Mapping[str, Any]) -> Options:
    """Return a format's options from the command's; reads the files they name."""
    fields = {name: value for name, value in given.items() if value is not None}
    if "ca_certs" in fields:
        pairs = map(_pair, fields["ca_certs"])
        fields["ca_certs"] = {host: read_pem(path) for host, path in pairs}
    if "extra_env" in fields:
        fields["extra_env"] = dict(map(_variable, fields["extra_env"]))
    return Options(**fields)


def _pair(text: str) -> tuple[str, str]:
    host, equals, path = text.partition("=")
    if not equals:
        raise InvalidInputError(f"--ca-certs {text!a} names no file", "write HOST=FILE")
    return host, path


def _variable(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    return name, value if equals else environment.current().get(name)
