"""How `doctor` and `check` tell what they have found, and end."""

from __future__ import annotations

import click

from dockcred.commands.console import console
from dockcred.doctor import report
from dockcred.doctor.finding import exit_status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from dockcred.doctor.finding import Finding


def tell(name: str, findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print the findings of what `name` names; answer the exit status."""
    if as_json:
        click.echo(report.document(name, findings))
    else:
        for line in report.lines(name, findings):
            console.print(line, soft_wrap=True, highlight=False)
    return exit_status(findings)
