"""Kubelet starts with our provider in a cloud's own file, or in a second file."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.cloud_configs import CONFIGS, EKS
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


def test_kubelet_takes_a_directory_with_a_file_of_ours_beside_the_cloud_s(
    kubelet, plugin, helper_bin: Path, tmp_path: Path
) -> None:
    """Kubelet refuses equal provider names, skips subdirectories (docs/nodes.md)."""
    configs, programs = tmp_path / "configs", tmp_path / "bin"
    (configs / "below").mkdir(parents=True)
    programs.mkdir()
    (programs / "ecr-credential-provider").touch(0o755)
    (programs / "dockcred-credential-provider").symlink_to(plugin.path)
    (configs / "config.json").write_text(EKS)
    (configs / "below/config.json").write_text(EKS)
    (configs / "ecr-credential-provider").touch(0o755)
    done = Program(str(helper_bin / "dockcred"))(
        *("configure", "kubelet", "--all", "--file", str(configs / "dockcred.yaml")),
        environment={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert done.status == 0, done.stderr
    answer = kubelet("check", str(configs), str(programs), environment={})
    assert answer.status == 0, answer.stderr
    (configs / "again.yml").write_text(EKS)
    answer = kubelet("check", str(configs), str(programs), environment={})
    assert b"duplicate provider name" in answer.stderr
