"""`dockcred check`: what a client will really do with a file of credentials."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from dockcred.clients import formats
from dockcred.clients.docker.read import DockerFile
from dockcred.clients.files import ClientFile
from dockcred.clients.findings import Finding, error
from dockcred.commands.console import examples, reporting_errors
from dockcred.commands.doctor import entries
from dockcred.commands.findings import tell
from dockcred.commands.help import Choice

_MAX_BYTES = 4 * 1024 * 1024


@click.command(
    epilog=examples(
        "dockcred check docker-config ~/.docker/config.json",
        "dockcred check containers-auth --for coco auth.json",
        "kubectl get secret regcred -o json | dockcred check kubernetes-secret -",
    ),
)
@click.argument("form", metavar="FORMAT", type=Choice(sorted(formats.CHECKERS)))
@click.argument("path", metavar="FILE")
@click.option(
    "--for",
    "reader",
    type=Choice(formats.CONSUMERS),
    help="Follow the stricter rules of this reader.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON for machines.")
def check(form: str, path: str, reader: str | None, *, as_json: bool) -> None:
    """Say how the programs that read FORMAT understand FILE, and what they ignore.

    FILE may be - for stdin. No registry is asked, and no secret is shown. The exit
    status is 0 if all is well, 1 for warnings alone and 2 for errors.
    """
    if reader and not formats.knows(form, reader):
        raise click.UsageError(f"{form} has no rules of {reader}'s")
    with reporting_errors():
        findings = list(_examine(form, path, reader or ""))
        name = "stdin" if path == "-" else path
        status = tell(name, findings, as_json=as_json)
    sys.exit(status)


def _examine(form: str, path: str, reader: str) -> Iterator[Finding]:
    """Yield the findings on the file; a file that cannot be read is an error."""
    try:
        data = _read(path)
    except OSError as failed:
        yield error("file", f"{path}: {failed.strerror}")
        return
    if len(data) > _MAX_BYTES:
        yield error("file", f"{path} is larger than 4 MiB")
        return
    yield from formats.check(form, data, reader)
    if path != "-":
        yield from _exposure(form, path)


def _exposure(form: str, path: str) -> Iterator[Finding]:
    """Warn if others can read a secret; a file that only names helpers has none."""
    if form in {"docker-config", "helm", "containers-auth"}:
        reader = ClientFile if form == "containers-auth" else DockerFile
        return entries.check_exposure(reader(path))
    return entries.check_mode(path) if form != "kubelet-config" else iter(())


def _read(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(_MAX_BYTES + 1)
    with open(path, "rb") as file:
        return file.read(_MAX_BYTES + 1)
