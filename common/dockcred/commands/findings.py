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

MARKS = {
    Severity.FINE: ("✓", "green"),
    Severity.NOTE: ("·", "dim"),
    Severity.WARNING: ("!", "yellow"),
    Severity.ERROR: ("✗", "red"),
}


def lines(name: str, findings: Sequence[Finding]) -> Iterator[Text]:
    """Return the problems with their remedies, the worst first; then the steps."""
    problems = distinct(findings)
    for problem in problems:
        mark, style = MARKS[problem.severity]
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
        mark, style = MARKS[finding.severity]
        yield Text.assemble(
            (f"  {mark} ", style), (f"{finding.step:9} ", "dim"), finding.text
        )


def document(name: str, findings: Sequence[Finding]) -> str:
    """Write the findings as JSON, in the order of the steps."""
    found = {
        "name": name,
        "status": exit_status(findings),
        "findings": [finding.document() for finding in findings],
    }
    return json.dumps(found, indent=2)


def distinct(findings: Sequence[Finding]) -> list[Finding]:
    """Return the problems, the worst first; each once, even if two clients have it."""
    kept: list[Finding] = []
    for finding in sorted(findings, key=lambda found: -found.severity):
        if finding.is_problem and not any(_is_same(finding, each) for each in kept):
            kept.append(finding)
    return kept


def _is_same(one: Finding, other: Finding) -> bool:
    """Return whether two findings have one cause: one text contains the other.

    Two different commands as `fix` are two causes.
    """
    if one.text == other.text:
        return one.fix == other.fix
    is_part = one.text in other.text or other.text in one.text
    return is_part and not (one.fix and one.fix != other.fix)


def listed(names: Sequence[str]) -> list[str]:
    """Return names to be joined by "and": the last, and one text with all others."""
    return [", ".join(names[:-1]), names[-1]] if names[1:] else list(names)


def tell(name: str, findings: Sequence[Finding], *, as_json: bool) -> int:
    """Print the findings on `name`; return the exit status."""
    if as_json:
        click.echo(document(name, findings))
    else:
        for line in lines(name, findings):
            console.print(line, soft_wrap=True, highlight=False)
    return exit_status(findings)
