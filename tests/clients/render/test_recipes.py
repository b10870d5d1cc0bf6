"""Recipes for systems that are not here: only our half of each recipe is tested."""

from __future__ import annotations

import base64
import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import hcl2
import pytest
import yaml
from support.documents import ROOT, blocks
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox

PAGE = ROOT / "docs/recipes.md"
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
Shell = Callable[..., str]


@pytest.fixture
def shell(cloud: Sandbox, helper_bin: Path) -> Shell:
    environment = cloud.environment()
    environment["PATH"] = f"{helper_bin}:{environment['PATH']}"

    def run(script: str, **variables: str) -> str:
        done = subprocess.run(
            ["sh", "-euc", script],
            env=environment | variables,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout + done.stderr

    return run


def block(word: str, kind: str = "console") -> str:
    """Return the page's only block with this word; a console block as a script."""
    (found,) = (b for b in blocks(kind) if b.page == PAGE and word in b.text)
    if kind != "console":
        return found.text
    return "\n".join(command for command, _ in found.steps())


def test_dagger_s_command_prints_what_its_module_would_write(
    shell: Shell, cloud: Sandbox
) -> None:
    command = re.search(r'cmd://"(.*)"', block("dagger"))
    assert command
    printed = shell(command[1])
    auth = json.loads(printed)["auths"][HOST]["auth"]
    assert printed == f'{{"auths":{{"{HOST}":{{"auth":"{auth}"}}}}}}'
    user, _, password = base64.b64decode(auth).decode().partition(":")
    assert user == "AWS"
    assert cloud.minted(password)
    assert shell(command[1]) == printed


def test_github_masks_whatever_it_then_writes(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "env"
    said = shell(block("GITHUB_ENV"), GITHUB_ENV=str(file), GITHUB_ACTIONS="true")
    written = dict(line.split("=", 1) for line in file.read_text().splitlines())
    auth = json.loads(written["DOCKER_AUTH_CONFIG"])["auths"][HOST]["auth"]
    masked = re.findall("^::add-mask::(.*)$", said, re.MULTILINE)
    assert set(masked) == {written["REGISTRY_PASSWORD"], auth}
    assert said.count("\n") == len(masked)


def test_argo_s_script_prints_one_line(shell: Shell, cloud: Sandbox) -> None:
    """Argo CD Image Updater splits the line at the first colon."""
    line = shell(block("render argocd", "sh"))
    assert line.count("\n") == 1
    user, _, password = line.strip().partition(":")
    assert user == "AWS"
    assert cloud.minted(password)


def test_nomad_s_template_is_hcl_and_reaches_the_items() -> None:
    found = hcl2.loads(block("nomadVar", "hcl"))
    text = str(found["template"][0]["data"])
    assert ".username" in text
    assert ".password" in text


def test_argo_s_registry_is_yaml() -> None:
    (registry,) = yaml.safe_load(block("ext:/", "yaml"))["registries"]
    assert registry["credentials"].startswith("ext:/")
