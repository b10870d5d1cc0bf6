"""Work for the time in which the other end of a request thinks.

Whoever has some puts it here, what is needed soonest first. The transport does one
piece after the other until the answer is there, and nobody waits for work and cloud in
turn: on an EC2 instance TLS is imported and ECR greeted while the metadata is asked.
"""

from __future__ import annotations

from dockcred import log
from dockcred.errors import DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_work: list[Callable[[], object]] = []


def put(*work: Callable[[], object]) -> None:
    """Have work done soon, or never: whoever needs it will do it, or meet why not."""
    _work.extend(work)


def spend(is_over: Callable[[], bool]) -> None:
    """Work until the time is over, or nothing is left; failures are kept quiet."""
    while _work and not is_over():
        try:
            _work.pop(0)()
        except (OSError, DockcredError) as error:
            log.debug(f"in spare time: {error}")


def clear() -> None:
    """Drop what is left: another call's work is not this one's."""
    _work.clear()
