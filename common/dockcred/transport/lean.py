"""Imports a module without what it names at its top and hardly ever uses.

ssl names base64, for two functions that write certificates as text, and so imports re;
socket names selectors, for sendfile, and array, for passing files on. That is 8.4 of
the 114 M instructions that a cold `get` over TLS would take. Here they find a stand-in,
which loads the module at its first use (a module's __getattr__, PEP 562) and does not
stay behind for others.
"""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

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
