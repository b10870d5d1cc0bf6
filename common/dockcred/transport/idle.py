"""Do useful work, such as imports, while a response is awaited.

Any module may add work here, the most urgent first. The transport runs one piece after
the other until the response begins. `load` imports a module, and puts off the modules
that it imports at its top and hardly ever uses.
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
    """Add work to do early; it may never run, so nobody may rely on it."""
    _work.extend(work)


def run(is_over: Callable[[], bool]) -> None:
    """Run the work until `is_over` or nothing is left; failures are only logged."""
    while _work and not is_over():
        try:
            _work.pop(0)()
        except (OSError, DockcredError) as error:
            log.debug(f"in spare time: {error}")


def clear() -> None:
    """Discard the work that is left: it was added for an earlier call."""
    _work.clear()


_HARDLY_USED = ("array", "base64", "selectors")


class _Later(type(sys)):  # type: ignore[misc]
    """Stands for a module; loads it when one of its attributes is used."""

    def __getattr__(self, attribute: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(__import__(self.__name__), attribute)


def load(module: str) -> None:
    """Import a module by its full name; _HARDLY_USED are loaded only on use."""
    put_off = [name for name in _HARDLY_USED if name not in sys.modules]
    sys.modules.update((name, _Later(name)) for name in put_off)
    try:
        __import__(module)
    finally:
        for name in put_off:
            if isinstance(sys.modules.get(name), _Later):
                del sys.modules[name]
