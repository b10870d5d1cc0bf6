"""`dockcred check`: what a client will really do with a file of credentials."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from dockcred.checking import formats
from dockcred.commands.console import console, examples, refusing
from dockcred.doctor import client_files, report
from dockcred.doctor.finding import Finding, exit_status
from dockcred.errors import InvalidInputError
from dockcred.lookup.files import ClientFile

_MAX_BYTES = 4 * 1024 * 1024


@click.command(
    epilog=examples(
        "dockcred check docker-config ~/.docker/config.json",
        "dockcred check containers-auth --for coco auth.json",
        "kubectl get secret regcred -o json | dockcred check kubernetes-secret -",
    ),
)
@click.argument("form", metavar="FORMAT", type=click.Choice(sorted(formats.FORMATS)))
@click.argument("path", metavar="FILE")
@click.option(
    "--for",
    "reader",
    type=click.Choice(formats.READERS),
    help="Whose stricter rules hold.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def check(form: str, path: str, reader: str | None, *, as_json: bool) -> None:
    """Say what the readers of FORMAT do with FILE, and what they pass over in silence.

    FILE may be - for stdin. No registry is asked, and no secret is shown. The exit
    status is 0 for health, 1 for warnings alone and 2 for errors.
    """
    with refusing():
        findings = formats.check(form, _read(path), reader or "")
        if path != "-":
            findings += _exposure(form, path)
        name = "stdin" if path == "-" else path
        if as_json:
            click.echo(report.document(name, findings))
        else:
            for line in report.lines(name, findings):
                console.print(line, soft_wrap=True, highlight=False)
    sys.exit(exit_status(findings))


def _exposure(form: str, path: str) -> Iterator[Finding]:
    """Warn of a secret that others can read; a file may name helpers alone."""
    if form in {"docker-config", "helm", "containers-auth"}:
        return client_files.check_exposure(ClientFile(path))
    return client_files.check_mode(path) if form != "kubelet-config" else iter(())


def _read(path: str) -> bytes:
    if path == "-":
        data = sys.stdin.buffer.read(_MAX_BYTES + 1)
    else:
        with open(path, "rb") as file:
            data = file.read(_MAX_BYTES + 1)
    if len(data) > _MAX_BYTES:
        raise InvalidInputError(f"{path} is larger than 4 MiB", "name another file")
    return data
