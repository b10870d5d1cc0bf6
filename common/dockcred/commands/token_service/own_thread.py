"""A call that may block, on a thread of its own, so that it holds up nobody else.

Not `asyncio.to_thread`: its threads are few and shared, so that one neighbour's slow
calls take them all, and the end of the program waits for each of them.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


async def run(work: Callable[[], T]) -> T:
    """Return what `work` returns, or raise what it raises.

    The thread runs on when whoever waits here is cancelled; its end is not waited for.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[T] = loop.create_future()

    def settle(how: Callable[[Any], None], what: Any) -> None:
        if not ended.done():
            how(what)

    def tell(how: Callable[[Any], None], what: Any) -> None:
        # RuntimeError: the loop is closed, and nobody waits any more.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, how, what)

    def body() -> None:
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - raised again where it is waited for
            tell(ended.set_exception, error)
        else:
            tell(ended.set_result, result)

    threading.Thread(target=body, daemon=True).start()
    return await ended
