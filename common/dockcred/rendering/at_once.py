"""Asking many at once, on threads that a Ctrl-C need not wait for.

Those of concurrent.futures are waited for when Python ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from threading import Semaphore, Thread
from typing import TypeVar

Asked = TypeVar("Asked")
Answer = TypeVar("Answer")
_SLOTS = 8


def ask_all(ask: Callable[[Asked], Answer], everybody: Iterable[Asked]) -> list[Answer]:
    """Answer for each in order, eight at a time; raise the first's failure."""
    asked = list(everybody)
    found: dict[int, Answer] = {}
    failed: dict[int, BaseException] = {}
    slots = Semaphore(_SLOTS)

    def one(number: int) -> None:
        try:
            with slots:
                found[number] = ask(asked[number])
        except BaseException as error:  # noqa: BLE001 - it is raised in the caller
            failed[number] = error

    numbers = range(len(asked))
    threads = [Thread(target=one, args=(n,), daemon=True) for n in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in sorted(failed):
        raise failed[number]
    return [found[number] for number in numbers]
