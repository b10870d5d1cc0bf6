"""Findings for people and as JSON."""

from __future__ import annotations

import json

import click
from rich.text import Text

from dockcred.clients.findings import Severity, exit_status
from dockcred.commands.console import console

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockcred.clients.findings import Finding

_MARKS = {
    Severity.FINE: ("✓", "green"),
    Severity.NOTE: ("·", "dim"),
    Severity.WARNING: ("!", "yellow"),
    Severity.ERROR: ("✗", "red"),
}


def lines(name: str, findings: Sequence[Finding]) -> Iterator[Text]:
    """Return the problems with their remedies, the worst first; then the steps."""
    problems = _distinct(sorted(findings, key=lambda found: -found.severity))
    for problem in problems:
        mark, style = _MARKS[problem.severity]
        yield Text(f"{mark} {problem.text}", style=style)
        if problem.fix:
            yield Text(f"  run: {problem.fix}", style="bold")
        if problem.remedy:
            yield Text(f"  {problem.remedy}")
    if not problems:
        yield Text(f"✓ {name} is in order", style="green")
    client = None
    for finding in findings:
        if finding.client != client:
            client = finding.client
            yield Text(f"\n{client or 'dockcred'}", style="bold")
        mark, style = _MARKS[finding.severity]
        yield Text.assemble(
            (f"  {mark} ", style), (f"{finding.step:9} ", "dim"), finding.text
        )


def document(name: str, findings: Sequence[Finding]) -> str:
    """Write the findings as JSON, in the order of the steps."""
    found = {
        "name": name,
        "status": exit_status(findings),
        "findings": [
            {
                "severity": finding.severity.name.lower(),
                "client": finding.client,
                "step": finding.step,
                "text": finding.text,
                "remedy": finding.remedy,
                "fix": finding.fix,
            }
            for finding in findings
        ],
    }
    return json.dumps(found, indent=2)


def _distinct(findings: Sequence[Finding]) -> list[Finding]:
    """Return the problems, each once where two clients meet it alike."""
    kept: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        if finding.is_problem:
            kept.setdefault((finding.text, finding.fix), finding)
    return list(kept.values())


def tell(name: str, findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print the findings of what `name` names; answer the exit status."""
    if as_json:
        click.echo(document(name, findings))
    else:
        for line in lines(name, findings):
            console.print(line, soft_wrap=True, highlight=False)
    return exit_status(findings)
