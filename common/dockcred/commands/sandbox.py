"""`dockcred sandbox`: run a command in a cloud that needs no account."""

from __future__ import annotations

import json
import os
from collections import Counter
from importlib.util import find_spec
from pathlib import Path

import click

from dockcred.commands.exec_ import not_started
from dockcred.commands.help import Choice
from dockcred.errors import MissingExtraError
from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.failures import AT_THE_PROXY, KINDS, PATTERNS, parse
from dockcred.testing.sandbox.runner import Runner
from dockcred.testing.sandbox.sandbox import IDENTITIES

STDERR = "-"


LIST = "list"


def _failures(
    context: click.Context, _parameter: click.Parameter, values: tuple[str, ...]
) -> tuple[str, ...]:
    if LIST in values:
        for kind, what in (KINDS | PATTERNS).items():
            where = " (needs --tls)" if kind in AT_THE_PROXY else ""
            click.echo(f"{kind:<18} {what}{where}")
        context.exit()
    for value in values:
        try:
            parse(value)
        except ValueError as error:
            raise click.BadParameter(str(error)) from error
    return values


EPILOG = """\b
Examples:
  dockcred sandbox -- sh -c \\
    'echo 123456789012.dkr.ecr.eu-west-1.amazonaws.com |
     docker-credential-ecr-login get'
  dockcred sandbox --identity web-identity --tls --counts -- aws ecr get-login-password
  dockcred sandbox --fail ecr:throttle:2 --latency 40 -- make test
  dockcred sandbox --fail ecr:reset:1 --fail imds:slow=1.5:1 -- make test

\b
Identities:
""" + "\n".join(f"  {name:<24} {what}" for name, what in IDENTITIES.items())


@click.command(
    epilog=EPILOG,
    context_settings={"allow_interspersed_args": False, "max_content_width": 100},
)
@click.option(
    "--identity",
    type=Choice(tuple(IDENTITIES)),
    metavar="NAME",
    default="env-keys",
    show_default=True,
    help="The identity that COMMAND has in the cloud.",
)
@click.option(
    "--tls",
    is_flag=True,
    help="Serve the real host names, through a proxy with its own CA.",
)
@click.option(
    "--latency",
    metavar="MS",
    type=click.FloatRange(0),
    default=0,
    help="How long each answer of a service takes.",
)
@click.option(
    "--metadata-latency",
    metavar="MS",
    type=click.FloatRange(0),
    default=0,
    help="How long each answer of a metadata or container service takes.",
)
@click.option(
    "--expires",
    metavar="S",
    type=click.FloatRange(0),
    default=43200,
    show_default=True,
    help="The lifetime of a registry password, in seconds.",
)
@click.option(
    "--fail",
    metavar="[SERVICE:]KIND[=S][:TIMES]",
    multiple=True,
    is_eager=True,  # the list needs no command
    callback=_failures,
    help="Make something fail; may be repeated. `--fail list` shows what can.",
)
@click.option(
    "--address",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Serve at this address of the machine, such as a private one for App Service.",
)
@click.option(
    "--counts",
    metavar="[FILE]",
    is_flag=False,
    flag_value=STDERR,
    help="Print the calls at the end on stderr, or write them to FILE as JSON.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def sandbox(
    *,
    identity: str,
    tls: bool,
    latency: float,
    metadata_latency: float,
    expires: float,
    fail: tuple[str, ...],
    address: str,
    counts: str | None,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND in simulated clouds on this machine that speak the real protocols.

    They verify signatures, refuse what the real ones refuse, and need no account.
    COMMAND gets a home, a configuration and a cache of its own, which are removed when
    it ends. The exit status is COMMAND's.
    """
    for library in ("cryptography", "trustme", "jwt"):
        if find_spec(library) is None:
            raise MissingExtraError(
                f"the sandbox needs {library}, which is not installed",
                "run: pip install 'dockcred[sandbox]'",
            )
    runner = Runner()
    with (
        runner.signals(),
        Sandbox(
            latency_ms=latency,
            metadata_latency_ms=metadata_latency,
            expires_s=expires,
            fail=fail,
            tls=tls,
            address=address,
        ) as cloud,
    ):
        environment = cloud.environment(identity, inherit=os.environ)
        try:
            status = runner.run(command, environment)
        except OSError as error:
            status = not_started("dockcred sandbox", command[0], error)
        _report(cloud.calls, counts)
    raise SystemExit(status)


def _report(calls: Counter[str], target: str | None) -> None:
    if target == STDERR:
        for call, count in sorted(calls.items()):
            click.echo(f"{count:6}  {call}", err=True)
    elif target is not None:
        try:
            Path(target).write_text(json.dumps(calls, sort_keys=True) + "\n")
        except OSError as error:
            raise click.ClickException(f"{target}: {error.strerror}") from error
