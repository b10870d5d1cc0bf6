"""`dockcred cache --clear` removes all tokens of the user, and nothing else."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest


@pytest.fixture
def dockcred(helper_bin: Path):
    def run(environment, *arguments: str):
        return subprocess.run(
            [helper_bin / "dockcred", "cache", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.mark.parametrize(
    "variable", ["DOCKCRED_CACHE_DIR", "AWS_ECR_CACHE_DIR", "HOME"]
)
def test_it_says_where_tokens_are_and_removes_them(
    ecr, cloud, dockcred, tmp_path, variable
):
    environment = {**cloud.environment("env-keys"), "HOME": str(tmp_path)}
    environment.pop("DOCKCRED_CACHE_DIR", None)
    environment[variable] = str(tmp_path)
    if variable == "DOCKCRED_CACHE_DIR":
        environment[variable] += "/tokens"
    assert dockcred(environment).stdout == ""
    before = set(tmp_path.rglob("*"))
    ecr.get(environment)
    (path,) = dockcred(environment).stdout.splitlines()
    assert list(Path(path).glob("*")) != []
    off = environment | {"DOCKCRED_CACHE": "off"}
    assert dockcred(off, "--clear").stdout == f"removed {path}\n"
    left = {p for p in set(tmp_path.rglob("*")) - before if not p.is_dir()}
    assert left == set()
    assert cloud.calls["ecr:GetAuthorizationToken"] == 1
    ecr.get(environment)
    assert cloud.calls["ecr:GetAuthorizationToken"] == 2


def test_a_directory_that_is_no_cache_is_left_alone(dockcred, tmp_path):
    (tmp_path / "photos").mkdir(mode=0o700)
    (tmp_path / "photos/cat").touch()
    environment = {"HOME": str(tmp_path), "DOCKCRED_CACHE_DIR": f"{tmp_path}/photos"}
    done = dockcred(environment, "--clear")
    assert done.returncode == 1
    assert "is not a cache of ours, and is left as it is" in done.stderr
    assert (tmp_path / "photos/cat").exists()
