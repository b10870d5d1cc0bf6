"""`dockcred refresh`: renew rendered credentials before they expire.

A rendering is a set of credentials, written in the format of one client. `clients`
decides how it is written, `api` which source answers each credential.
"""

from __future__ import annotations

import sys
import time

import click

from dockcred.commands import shape
from dockcred.commands.console import (
    console,
    examples,
    leave,
    reporting_errors,
    warn,
)
from dockcred.commands.refresh import targets_file
from dockcred.commands.refresh.attempt import Kept
from dockcred.commands.refresh.command import statuses
from dockcred.commands.refresh.figures import RefreshFigures
from dockcred.commands.refresh.lease import Lease, LeaseName
from dockcred.commands.refresh.loop import Loop
from dockcred.commands.refresh.target import Logins
from dockcred.system import hardening


@click.command(
    epilog=examples(
        "dockcred refresh /etc/dockcred/refresh.toml           # until it is stopped",
        "dockcred refresh --once /etc/dockcred/refresh.toml    # from a timer",
        "dockcred refresh --lease dockcred/refresh /etc/dockcred/refresh.toml",
        "dockcred refresh --status /etc/dockcred/refresh.toml",
        "dockcred refresh --status --json /etc/dockcred/refresh.toml",
        "dockcred refresh --metrics 127.0.0.1:9105 /etc/dockcred/refresh.toml",
    ),
)
@click.argument("path", metavar="TARGETS.TOML")
@click.option(
    "--once", is_flag=True, help="Renew what is past half of its lifetime, and exit."
)
@click.option(
    "--status", is_flag=True, help="Show until when each target is valid, and exit."
)
@click.option(
    "--lease",
    metavar="NAMESPACE/NAME",
    help="Run as one of several replicas: only the one that holds this Lease writes.",
)
@click.option("--json", "as_json", is_flag=True, help="With --status: print JSON.")
@click.option(
    "--metrics",
    metavar="ADDRESS:PORT",
    default="",
    help="Serve metrics for Prometheus at this address, under /metrics.",
)
def refresh(
    path: str,
    *,
    once: bool,
    status: bool,
    lease: str | None,
    as_json: bool,
    metrics: str,
) -> None:
    """Renew credentials in files, Kubernetes Secrets and programs before they expire.

    TARGETS.TOML names the targets. Each is renewed between one half and three quarters
    of its credential's lifetime. If that fails, one line tells why, the old credential
    stays, and it is tried again. The exit status of --once and --status is 1 if any
    target is not in order.
    """
    if once and status:
        raise click.UsageError("--once and --status exclude each other")
    if lease and (once or status):
        raise click.UsageError("--lease is for what runs all the time")
    if as_json and not status:
        raise click.UsageError("--json is for --status")
    if metrics and (once or status):
        raise click.UsageError("--metrics is for what runs until it is stopped")
    with reporting_errors():
        if status:
            sys.exit(_show(path, as_json=as_json))
        hardening.hide_memory()
        if once:
            sys.exit(_once(path))
        figures = RefreshFigures(metrics)
        tell, say = figures.counting_writes(_tell), figures.counting_problems(warn)
        ours = Lease(LeaseName.read(lease), _tell, warn) if lease else None
        Loop(lambda: targets_file.read(path), tell, say, figures.looked, ours).run()
        leave()  # the lease and watch threads may be inside a request


def _once(path: str) -> int:
    logins, figures = Logins(), RefreshFigures()
    tell, complain = figures.counting_writes(_tell), figures.counting_problems(warn)
    kept = [Kept(target) for target in targets_file.read(path)]
    problems = [line for each in kept for line in each.attempt(logins, tell)]
    for line in problems:
        complain(line)
    figures.looked(kept)
    return 1 if problems else 0


def _show(path: str, *, as_json: bool) -> int:
    targets = targets_file.read(path)
    found = [(target, each) for target in targets for each in statuses(target)]
    if as_json:
        now = time.time()
        rows = [each.document(target, now) for target, each in found]
        click.echo(shape.document(targets=rows))
    else:
        for _, each in found:
            _tell(f"{each.name}: {each.said}", "" if each.is_good else "red")
    return 0 if all(each.is_good for _, each in found) else 1


def _tell(line: str, style: str = "") -> None:
    console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)
