"""`dockcred.resolve` in Python for Windows: an answer, kinds of failure, a timeout."""

from __future__ import annotations

import json

import pytest
from support.program import LONG_S

from .test_helpers import ECR_CALL, ECR_HOST

pytestmark = pytest.mark.slow

ASK = """
import json, sys
from dockcred import resolve
from dockcred.errors import DockcredError

def ask(host, seconds):
    try:
        return resolve(host, timeout_s=seconds).username
    except DockcredError as error:
        return [type(error).__name__, error.cause, error.remedy]
"""
HANGS = f"""
import os, sys, time
with open(sys.argv[1], "w") as file:
    print(os.getpid(), file=file)
time.sleep({LONG_S})
"""
OUT_OF_TIME = f"""{ASK}
import os
from dockcred.api import worker
from dockcred.system.windows import processes

host, pid_file, stuck = sys.argv[1:]
worker._CODE = stuck or worker._CODE
seconds, pid = 4, ""
while not pid:  # what hangs must have started
    said = ask(host, seconds)
    seconds *= 2
    if os.path.exists(pid_file):
        with open(pid_file) as file:
            pid = file.read()
processes.wait(int(pid))
print(json.dumps(said))
"""
STUCK = "import os, subprocess; subprocess.run(os.environ['HANGS'])"
"""Code of a worker that hangs before its own watchdog starts."""


@pytest.mark.parametrize(
    "identity, host, says",
    [
        ("env-keys", ECR_HOST, "AWS"),
        ("", ECR_HOST, "MissingIdentityError"),
        ("", "registry.example.com", "CredentialsNotFoundError"),
    ],
)
def test_who_asks_gets_an_answer_or_the_failure_of_its_kind(
    windows, cloud, identity, host, says
):
    variables = {"AWS_EC2_METADATA_DISABLED": "true", "DOCKCRED_CACHE": "off"}
    if identity:
        variables = cloud.environment(identity)
    code = f"{ASK}\nprint(json.dumps(ask({host!r}, {LONG_S})))"
    told = windows.python(code, variables=variables)
    assert (told.status, told.stderr) == (0, b""), told
    said = json.loads(told.stdout)
    assert (said if identity else said[0]) == says
    assert cloud.calls[ECR_CALL] == bool(identity)


@pytest.mark.parametrize("stuck", ["", STUCK])
def test_out_of_time_it_fails_and_nothing_that_was_started_is_left(
    windows, cloud, tmp_path, stuck
):
    """The hanging program was started by the credential_process."""
    variables = cloud.environment("credential-process") | {"DOCKCRED_CACHE": "off"}
    (tmp_path / "hangs.py").write_text(HANGS)
    python = windows.path(windows.interpreter)
    hangs, pid = (windows.path(tmp_path / name) for name in ("hangs.py", "pid"))
    variables["HANGS"] = f'"{python}" "{hangs}" "{pid}"'
    asked = tmp_path / "keys.cmd"
    asked.write_text(f"@{variables['HANGS']}\r\n")
    config = tmp_path / "config"
    config.write_text(
        f"[profile credential-process]\ncredential_process = {windows.path(asked)}\n"
    )
    variables["AWS_CONFIG_FILE"] = windows.path(config)
    told = windows.python(OUT_OF_TIME, ECR_HOST, pid, stuck, variables=variables)
    assert (told.status, told.stderr) == (0, b""), told
    kind, cause, remedy = json.loads(told.stdout)
    assert kind == "TimedOutError"
    assert cause.startswith("gave up after")
    assert "raise " in cause + remedy
