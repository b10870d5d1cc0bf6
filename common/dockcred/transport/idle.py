"""Work for the time in which the other end of a request thinks.

Whoever has some puts it here, what is needed soonest first. The transport does one
piece after the other until the answer is there. Modules are loaded without what they
name at their top and hardly ever use.
"""

from __future__ import annotations

import sys

from dockcred.errors import DockcredError
from dockcred.system import log

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

_work: list[Callable[[], object]] = []


def defer(*work: Callable[[], object]) -> None:
    """Add work to be done soon, or never: whoever needs it will do it itself."""
    _work.extend(work)


def run(is_over: Callable[[], bool]) -> None:
    """Run the work until time is over or nothing is left; failures are not shown."""
    while _work and not is_over():
        try:
            _work.pop(0)()
        except (OSError, DockcredError) as error:
            log.debug(f"in spare time: {error}")


def clear() -> None:
    """Clear what is left: another call's work is not this one's."""
    _work.clear()


_HARDLY_USED = ("array", "base64", "selectors")


class _Later(type(sys)):  # type: ignore[misc]
    """A module that is not loaded before one of its attributes is asked for."""

    def __getattr__(self, attribute: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(__import__(self.__name__), attribute)


def load(module: str) -> None:
    """Import a module by its full name, with the hardly used put off."""
    put_off = [name for name in _HARDLY_USED if name not in sys.modules]
    sys.modules.update((name, _Later(name)) for name in put_off)
    try:
        __import__(module)
    finally:
        for name in put_off:
            if isinstance(sys.modules.get(name), _Later):
                del sys.modules[name]
