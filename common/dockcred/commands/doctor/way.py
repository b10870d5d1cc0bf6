"""Show people the way of a request: from the image to the registry.

Below the verdict and its remedies stand the stages of each client's request, in the
order in which it meets them, with a mark where it breaks. Sentences are folded between
words at 80 columns; a command stays on one line, to be copied.
"""

from __future__ import annotations

import re
import textwrap
from typing import TYPE_CHECKING

from rich.text import Text

from dockcred.clients.findings import Finding, Severity
from dockcred.commands.doctor.verdict import ANONYMOUS, BROKEN, WORKS
from dockcred.commands.findings import MARKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from dockcred.commands.doctor.verdict import Examination, FollowedRequest

WIDTH = 80
_VERDICTS = {
    WORKS: Severity.FINE,
    ANONYMOUS: Severity.NOTE,
    BROKEN: Severity.ERROR,
}
STAGES = {
    "file": ("file", "key", "entry"),
    "helper": ("helper", "PATH"),
    "identity": ("identity",),
    "cloud": ("answer", "cache"),
    "registry": ("registry", "name"),
}
"""The stages of a request after the image's name, each with the steps of findings."""

_RUN = re.compile(r"((?:run(?: one of)?|; or): )")
_LABEL = 9
_HERE = "<-\xa0it\xa0breaks\xa0here"


def lines(found: Examination, width: int = WIDTH) -> Iterator[Text]:
    """Yield the verdict, then the other problems, then the way of each request."""
    problems = found.problems
    verdict = Finding(_VERDICTS[found.verdict], "", "")
    if found.verdict == BROKEN:
        verdict = problems.pop(0)
    yield from _told(verdict, found.said(), width)
    for problem in problems:
        yield from _told(problem, problem.text, width)
    shared = list(found.about)
    for request in found.requests:
        asks = any(each.step == "answer" for each in request.findings)
        own = [*request.findings, *(shared if asks else ())]
        if asks:
            shared = []
        yield from _way(found, request, own, width)
    if shared:
        yield Text("\nwho would be asked", style="bold")
        yield from _stages(shared, width)


def _told(problem: Finding, text: str, width: int) -> Iterator[Text]:
    """Yield the lines of a problem and its remedy; `text` describes the problem."""
    mark, style = MARKS[problem.severity]
    yield from _folded(Text(f"{mark} ", style=style), text, width, style=style)
    if problem.fix:
        yield Text(f"  run: {problem.fix}", style="bold")
    if problem.remedy:
        yield from _folded(Text("  "), problem.remedy, width)


def _way(
    found: Examination, request: FollowedRequest, own: Sequence[Finding], width: int
) -> Iterator[Text]:
    yield Text(f"\n{request.client}: {request.verdict}", style="bold")
    if found.reference:
        start = Text.assemble("    ", (f"{'image':{_LABEL}} ", "dim"))
        yield from _folded(start, found.reference.name, width)
    yield from _stages(own, width)


def _stages(findings: Sequence[Finding], width: int) -> Iterator[Text]:
    """Yield the findings by stages; after the first that breaks, those not reached."""
    broken = ""
    known = {step for steps in STAGES.values() for step in steps}
    rest = tuple({each.step for each in findings} - known)
    for stage, steps in (*STAGES.items(), ("machine", rest)):
        here = [each for each in findings if each.step in steps]
        for number, each in enumerate(here):
            mark, style = MARKS[each.severity]
            label = "" if number else stage
            start = Text.assemble((f"  {mark} ", style), (f"{label:{_LABEL}} ", "dim"))
            breaks = each.severity is Severity.ERROR and not broken
            text = f"{each.text} {_HERE}" if breaks else each.text
            broken = broken or (stage if breaks else "")
            yield from _folded(start, text, width, style="red" if breaks else "")
        if broken and not here and stage in {"cloud", "registry"}:
            yield Text(f"    {stage:{_LABEL}} not reached", style="dim")


def _folded(start: Text, text: str, width: int, style: str = "") -> Iterator[Text]:
    """Yield a text after its start, folded between words, each line below the first.

    A command to run stays whole; it gets a line of its own if it does not fit.
    """
    indent = " " * len(start)
    head, *commands = _RUN.split(text)
    room = max(20, width - len(start))
    rows = textwrap.wrap(head, room, break_long_words=False, break_on_hyphens=False)
    for run, command in zip(commands[::2], commands[1::2], strict=True):
        whole = f"{run.removeprefix('; ')}{command}"
        if rows and len(f"{rows[-1]} {whole}") <= room:
            rows[-1] = f"{rows[-1]} {whole}"
        else:
            rows.append(whole)
    for number, row in enumerate(rows):
        plain = row.replace("\xa0", " ")
        yield Text.assemble(indent if number else start, (plain, style))
