"""Kubelet starts with what `dockcred configure kubelet --merge` has made of a file."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cloud_configs import CONFIGS
from support.program import Program

NAMES = ("ecr-credential-provider", "acr-credential-provider", "one", "two", "a", "b")


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_kubelet_starts_with_a_merged_file(
    kubelet, plugin, helper_bin: Path, tmp_path: Path, text: str
) -> None:
    path, programs = tmp_path / "config.yaml", tmp_path / "bin"
    path.write_bytes(text.encode())
    programs.mkdir()
    for name in NAMES:
        (programs / name).touch(0o755)
    assert kubelet("check", str(path), str(programs), environment={}).status == 0
    words = ("configure", "kubelet", "--registry", "ghcr.io", "--merge")
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    done = Program(str(helper_bin / "dockcred"))(
        *words, "--file", str(path), environment=environment
    )
    assert done.status == 0, done.stderr
    answer = kubelet("check", str(path), str(programs), environment={})
    assert answer.status == 1, "our provider is not in the directory yet"
    assert b"did not exist" in answer.stderr
    (programs / "dockcred-credential-provider").symlink_to(plugin.path)
    answer = kubelet("check", str(path), str(programs), environment={})
    assert answer.status == 0, answer.stderr
