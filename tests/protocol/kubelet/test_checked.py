"""kubelet starts, or not, as `dockcred check kubelet-config` says."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.kubelet_configs import VECTORS


@pytest.mark.parametrize(
    "text, starts", [(text, starts) for text, starts, _ in VECTORS]
)
def test_kubelet_starts_as_we_say(
    kubelet, tmp_path: Path, text: str, starts: bool
) -> None:
    config = tmp_path / "config.json"
    config.write_text(text)
    for program in ("x", "a b"):
        (tmp_path / program).touch(0o755)
    answer = kubelet("check", str(config), str(tmp_path), environment={})
    assert (answer.status == 0) is starts, answer.stderr
