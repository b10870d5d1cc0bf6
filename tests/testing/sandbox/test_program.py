"""`dockcred sandbox` runs a command as if there were a cloud, and leaves no files."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox.failures import KINDS, PATTERNS

COMMON = Path(__file__).parents[3] / "common"
PROGRAM = [sys.executable, "-B", "-m", "dockcred.testing.sandbox"]


@pytest.fixture
def base(tmp_path):
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(COMMON),
        "HOME": str(tmp_path),
        "TMPDIR": str(tmp_path),
    }


@pytest.fixture
def sandbox(base):
    def run(*arguments, **extra):
        return subprocess.run(
            [*PROGRAM, *arguments],
            env=base | extra,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )

    return run


def test_the_exit_status_is_the_commands(sandbox):
    assert sandbox("--", "sh", "-c", "exit 7").returncode == 7
    assert sandbox("--", "true").returncode == 0


def test_a_command_ended_by_a_signal_exits_with_128_and_its_number(sandbox):
    assert sandbox("--", "sh", "-c", "kill -TERM $$").returncode == 128 + 15


def test_a_command_that_is_missing_or_no_program_is_said_in_one_line(sandbox, tmp_path):
    done = sandbox("--", "no-such-command")
    assert (done.returncode, done.stderr.count("\n")) == (127, 1)
    assert "no-such-command: No such file" in done.stderr
    (tmp_path / "text").write_text("text")
    done = sandbox("--", str(tmp_path / "text"))
    assert (done.returncode, done.stderr.count("\n")) == (126, 1)


def test_stdin_and_stdout_are_the_commands_alone(sandbox, base):
    done = subprocess.run(
        [*PROGRAM, "--", "cat"],
        env=base,
        input=b"\x00\xff",
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )
    assert (done.stdout, done.stderr) == (b"\x00\xff", b"")


@pytest.mark.parametrize(
    ("identity", "program"),
    [
        ("azure-cli", "az"),
        ("ci-circleci", "circleci"),
        ("google-gcloud", "gcloud"),
        ("github-gh-keychain", "gh"),
    ],
)
def test_an_identitys_program_stands_before_the_callers(
    sandbox, tmp_path, identity, program
):
    """The caller's PATH stays behind it, so that the caller's helpers are found."""
    (tmp_path / "theirs").touch(0o700)
    script = f"command -v {program}; command -v theirs"
    path = f"{tmp_path}:/usr/bin:/bin"
    done = sandbox("--identity", identity, "--", "sh", "-c", script, PATH=path)
    ours, callers = done.stdout.splitlines()
    assert ours.endswith(f"/{identity}/bin/{program}")
    assert callers == str(tmp_path / "theirs")


def test_the_options_after_the_command_are_its_own(sandbox):
    assert sandbox("--", "echo", "--counts", "--", "-x").stdout == "--counts -- -x\n"
    assert sandbox("echo", "--tls").stdout == "--tls\n"


def test_the_clouds_and_networks_of_the_caller_are_cleared(sandbox, tmp_path):
    foreign = {
        "AWS_PROFILE": "foreign",
        "AWS_SESSION_TOKEN": "foreign",
        "AZURE_CLIENT_ID": "foreign",
        "GOOGLE_APPLICATION_CREDENTIALS": "foreign",
        "GITHUB_TOKEN": "foreign",
        "DOCKCRED_CONFIG": "foreign",
        "DOCKER_CONFIG": "foreign",
        "XDG_CONFIG_HOME": "foreign",
        "https_proxy": "foreign",
        "ALL_PROXY": "foreign",
        "SSL_CERT_FILE": "foreign",
        "DBUS_SESSION_BUS_ADDRESS": "foreign",
    }
    done = sandbox("--", "env", **foreign, KEPT="kept")
    assert "foreign" not in done.stdout
    assert "KEPT=kept\n" in done.stdout
    home = re.search(r"^HOME=(.*)$", done.stdout, re.MULTILINE)[1]
    assert home != str(tmp_path)


def test_with_tls_there_is_a_proxy_and_no_endpoint(sandbox):
    plain, tls = (sandbox(*o, "--", "env").stdout for o in ((), ("--tls",)))
    assert "AWS_ENDPOINT_URL_ECR=http://127.0.0.1:" in plain
    assert "PROXY" not in plain
    assert "AWS_ENDPOINT_URL" not in tls
    assert "\nHTTPS_PROXY=http://127.0.0.1:" in tls
    assert re.search(r"^AWS_CA_BUNDLE=.*ca\.pem$", tls, re.MULTILINE)


def test_counts_are_printed_or_written_on_request(sandbox, tmp_path):
    fetch = ["sh", "-c", 'exec python3 -c "$0"', FETCH]
    done = sandbox("--counts", "--", *fetch)
    assert done.stderr.split() == ["1", "imds:refused", "1", "imds:role"]
    file = tmp_path / "counts.json"
    assert sandbox("--counts", str(file), "--", *fetch).stderr == ""
    assert json.loads(file.read_text()) == {"imds:refused": 1, "imds:role": 1}


def test_counts_that_cannot_be_written_are_an_error_of_one_line(sandbox, tmp_path):
    done = sandbox("--counts", str(tmp_path / "none/counts"), "--", "true")
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "No such file or directory" in done.stderr


FETCH = """
import os, urllib.error, urllib.request
url = os.environ["AWS_ENDPOINT_URL_ECR"] + "/latest/meta-data/iam/security-credentials/"
try:
    urllib.request.urlopen(url, timeout=5)
except urllib.error.HTTPError as error:
    assert error.code == 401
    error.close()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_reaches_the_command_and_nothing_is_left(base, tmp_path, number):
    script = "trap 'exit 9' INT TERM HUP; echo $HOME; while :; do sleep 0.05; done"
    with subprocess.Popen(
        [*PROGRAM, "--", "sh", "-c", script],
        env=base,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as running:
        home = Path(running.stdout.readline().strip())
        assert home.is_dir()
        running.send_signal(number)
        assert running.wait(BUSY_S) == 9
    assert not home.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_that_does_not_exist_is_refused_with_the_kinds(sandbox):
    done = sandbox("--fail", "nonsense", "--", "true")
    assert done.returncode == 2
    assert "access-denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_help_shows_examples_and_every_identity(sandbox):
    text = sandbox("--help").stdout
    assert "dockcred sandbox --identity web-identity --tls" in text
    for name in ("env-keys", "sso-expired", "pod-identity", "nothing"):
        assert name in text


def test_the_list_of_what_can_fail_needs_no_command(sandbox):
    done = sandbox("--fail", "list")
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert {line.split()[0] for line in lines} == {*KINDS, *PATTERNS}
    assert all(len(line.split()) > 2 for line in lines), "each says what it is"


def test_another_address_is_served(sandbox):
    """Such as App Service's, whose token endpoint has a private address."""
    shown = 'echo "$IDENTITY_ENDPOINT"'
    done = sandbox(
        *("--address", "127.0.0.2", "--identity", "azure-app-service"),
        *("--", "sh", "-c", shown),
    )
    assert re.fullmatch(r"http://127\.0\.0\.2:\d+/msi/token\n", done.stdout)
