"""The installed launcher answers a machine's cached token without Python."""

from __future__ import annotations

import re
import subprocess

import pytest
from support.program import BUSY_S


@pytest.fixture
def launcher(helper_bin, tmp_path):
    subprocess.run(
        [
            helper_bin / "dockcred",
            *("install", "--dir", tmp_path / "bin"),
            *("--programs", "docker-credential-gcr"),
        ],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )
    return tmp_path / "bin/docker-credential-gcr"


def ask(launcher, environment):
    return subprocess.run(
        [launcher, "get"],
        env=environment,
        input="gcr.io",
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )


@pytest.mark.parametrize("username", [None, "_token"])
def test_a_cached_token_is_answered_without_python(username, launcher, cloud):
    environment = cloud.environment("google-metadata")
    if username:
        environment["DOCKCRED_GOOGLE_USERNAME"] = username
    minted = ask(launcher, environment)
    assert minted.returncode == 0
    text = launcher.read_text()
    without = re.sub(r"exec '[^']*python[^']*'", "exec /bin/false", text)
    assert without != text
    launcher.write_text(without)
    cloud.reset()
    assert ask(launcher, environment).stdout == minted.stdout
    assert not cloud.calls
    # This ticket is not for another identity: the launcher runs Python, which is gone.
    key = {"GOOGLE_APPLICATION_CREDENTIALS": "/nonexistent"}
    assert ask(launcher, environment | key).returncode == 1


def test_a_login_that_appears_is_met_by_python(launcher, cloud, tmp_path):
    environment = cloud.environment("google-metadata")
    ask(launcher, environment)
    keyed = cloud.environment("google-authorized-user")
    where = ".config/gcloud/application_default_credentials.json"
    made = f"{environment['HOME']}/{where}"
    subprocess.run(["/bin/mkdir", "-p", made.rpartition("/")[0]], check=True)
    subprocess.run(["/bin/cp", f"{keyed['HOME']}/{where}", made], check=True)
    ask(launcher, environment)
    assert cloud.calls["google-oauth:refresh_token"] == 1
