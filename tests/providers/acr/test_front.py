"""The launcher answers a cached password as long as the ticket's conditions hold."""

from __future__ import annotations

import re
import subprocess

from support.program import BUSY_S, Program

HOST = "sandbox.azurecr.io"


def test_another_path_is_pythons(helper_bin, cloud, tmp_path):
    """Another PATH may have an az that is logged in, so the launcher compares PATH."""
    name = "docker-credential-acr-login"
    directory = tmp_path / "bin"
    subprocess.run(
        [helper_bin / "dockcred", "install", "--dir", directory, "--programs", name],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )
    launcher = Program(str(directory / name))
    environment = {**cloud.environment("azure-imds"), "PATH": "/usr/bin:/bin"}
    minted = launcher.get(environment, HOST)
    text = (directory / name).read_text()
    without = re.sub(r"exec '[^']*python[^']*'", "exec /bin/false", text)
    assert without != text
    (directory / name).write_text(without)
    assert launcher.get(environment, HOST).stdout == minted.stdout
    other = environment | {"PATH": "/usr/local/bin:/usr/bin:/bin"}
    assert not launcher.get(other, HOST).stdout
