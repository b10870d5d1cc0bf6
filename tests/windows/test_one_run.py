"""One test run at a time uses Wine's directory, with all workers of that run."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import once
from support.program import BUSY_S


def test_another_run_waits_for_all_workers_of_the_first(tmp_path: Path, monkeypatch):
    monkeypatch.setenv(once.WORKER, "gw0")
    place = tmp_path / "run"

    def enter(run: str, held: ExitStack) -> None:
        factory = SimpleNamespace(getbasetemp=lambda: tmp_path / run / "gw0")
        held.enter_context(once.alone(factory, place))

    with ExitStack() as first, ExitStack() as second, ExitStack() as other:
        enter("one", first)
        enter("one", second)
        with ThreadPoolExecutor(1) as pool:
            entered = pool.submit(enter, "two", other)
            for leaves in (first, second):
                with pytest.raises(TimeoutError):
                    entered.result(0.2)
                leaves.close()
            entered.result(BUSY_S)
        assert place.read_text() == str(tmp_path / "two")
