"""gcloud, real or with faults: extra output, no answer, no login, not on PATH."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from support.program import BUSY_S, LONG_S, wait_until

from dockcred.testing.sandbox.google.principals import email

from .conftest import NOT_FOUND

GCLOUD = shutil.which("gcloud", path="/usr/bin:/usr/local/bin:/snap/bin")
PEER = shutil.which("docker-credential-gcloud", path="/usr/bin:/usr/local/bin")


def replace(environment, script):
    program = Path(environment["HOME"]) / "bin/gcloud"
    program.write_text(f"#!/bin/sh\n{script}\n")


def is_running(pid):
    """Return whether a process runs; a zombie does not count."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def answer(environment):
    program = Path(environment["HOME"]) / "bin/gcloud"
    return program.read_text().split("ANSWER'\n")[1].split("\nANSWER")[0]


def test_gcloud_is_asked_by_the_command_it_has_for_that(cloud, run):
    environment = cloud.environment("google-gcloud")
    run(environment)
    asked = (Path(environment["HOME"]) / "gcloud-calls").read_text()
    assert asked == "config config-helper --format=json --min-expiry=1800s\n"


def test_noise_around_gclouds_answer_is_passed_over(cloud, run):
    environment = cloud.environment("google-gcloud")
    document = answer(environment)
    noise = "echo 'Updates are {available}'; echo WARNING >&2"
    replace(environment, f"{noise}\ncat <<'A'\n{document}\nA\necho bye")
    result = run(environment)
    assert (result.status, result.errors) == (0, "")
    assert result.secret == json.loads(document)["credential"]["access_token"]


def test_gcloud_gets_no_stdin_and_no_secret(cloud, run):
    environment = cloud.environment("google-gcloud")
    document = answer(environment)
    left = Path(environment["HOME"]) / "left"
    replace(
        environment,
        f"cat >{left}; env >>{left}\ncat <<'A'\n{document}\nA",
    )
    run(environment | {"GH_TOKEN": "ghp_secret", "AWS_SECRET_ACCESS_KEY": "secret"})
    text = left.read_text()
    assert "gcr.io" not in text.splitlines()[0]
    assert "secret" not in text
    assert "CLOUDSDK_CORE_DISABLE_PROMPTS=1" in text


def test_a_hanging_gcloud_is_given_up_and_ended(cloud, run):
    environment = cloud.environment("google-gcloud")
    pids = Path(environment["HOME"]) / "pids"
    replace(environment, f"sleep {LONG_S} & echo $$ $! >{pids}; wait")
    result = run(environment | {"DOCKCRED_TIMEOUT": "3"})
    assert result.status == 1
    assert "gcloud" in result.output
    wait_until(lambda: not any(map(is_running, pids.read_text().split())))


@pytest.mark.slow
def test_a_gcloud_that_needs_seven_seconds_has_them_where_the_call_does(cloud, run):
    """gcloud's own helper waits as well: a first gcloud on a small machine is slow."""
    environment = cloud.environment("google-gcloud") | {"DOCKCRED_TIMEOUT": "30"}
    document = answer(environment)
    replace(environment, f"sleep 7\ncat <<'A'\n{document}\nA")
    result = run(environment)
    assert (result.status, result.errors) == (0, "")
    assert result.secret == json.loads(document)["credential"]["access_token"]


def test_a_gcloud_that_floods_is_bounded(cloud, run):
    environment = cloud.environment("google-gcloud")
    replace(environment, "exec yes")
    result = run(environment | {"DOCKCRED_TIMEOUT": "3"})
    assert result.status == 1
    assert "gcloud" in result.output


@pytest.mark.parametrize(
    ("errors", "said", "remedy"),
    [
        (
            "Reauthentication failed. cannot prompt",
            "does not accept",
            "gcloud auth login",
        ),
        (
            "invalid_grant: Token has been expired",
            "does not accept",
            "gcloud auth login",
        ),
        ("internal crash", "gcloud failed (status 1)", "print-access-token"),
    ],
)
def test_a_gcloud_session_that_is_over_names_the_login(
    errors, said, remedy, cloud, run
):
    environment = cloud.environment("google-gcloud")
    replace(environment, f"echo 'ERROR: {errors}' >&2; exit 1")
    result = run(environment)
    assert result.status == 1
    assert said in result.output
    assert remedy in result.output
    assert errors not in result.output


def test_a_gcloud_without_an_account_leaves_it_to_the_machine(cloud, run):
    environment = cloud.environment("google-gcloud")
    said = "You do not currently have an active account selected."
    replace(environment, f"echo 'ERROR: {said}' >&2; exit 1")
    machine = cloud.environment("google-metadata")
    both = environment | {
        "NO_GCE_CHECK": "",
        "GCE_METADATA_HOST": machine["GCE_METADATA_HOST"],
    }
    assert cloud.minted(run(both).secret).principal == email("machine")
    assert run(environment).output == NOT_FOUND


def configure(environment, text, name="default"):
    """Write one of gcloud's configurations."""
    place = Path(environment["HOME"]) / ".config/gcloud/configurations"
    (place / f"config_{name}").write_text(text)


def asked(environment):
    """Return whether the sandbox's gcloud was run."""
    return (Path(environment["HOME"]) / "gcloud-calls").exists()


@pytest.mark.parametrize(
    "text",
    ["", "[core]\nproject = p\n", "# nothing yet\n", "[compute]\nzone: europe-west1-b"],
)
def test_where_gcloud_ran_and_nobody_logged_in_the_machine_is_asked_and_not_gcloud(
    text, cloud, run
):
    """google-auth does not ask gcloud; gcloud would ask the metadata server itself."""
    environment = cloud.environment("google-gcloud")
    configure(environment, text)
    machine = cloud.environment("google-metadata")["GCE_METADATA_HOST"]
    environment |= {"NO_GCE_CHECK": "", "GCE_METADATA_HOST": machine}
    assert cloud.minted(run(environment).secret).principal == email("machine")
    assert not asked(environment)


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("[core]\naccount = a@example.com\n", {}),
        ("[CORE\naccount", {}),
        ("[core]\naccount = %(\n", {}),
        ("[compute]\nzone = %(x)s\n", {}),
        ("[auth]\naccess_token_file = /x\n", {}),
        ("", {"CLOUDSDK_CORE_ACCOUNT": "a@example.com"}),
        ("", {"CLOUDSDK_AUTH_ACCESS_TOKEN": "ya29.x"}),
        ("", {"CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT": "a@example.com"}),
    ],
)
def test_gcloud_is_asked_where_it_may_have_an_account(text, variables, cloud, run):
    environment = cloud.environment("google-gcloud") | variables
    configure(environment, text)
    assert run(environment).status == 0
    assert asked(environment)


@pytest.mark.parametrize("name", ["the old", "the installation's"])
def test_gcloud_is_asked_where_other_files_may_set_its_account(name, cloud, run):
    """Old settings, which gcloud migrates, and settings of the whole installation."""
    environment = cloud.environment("google-gcloud")
    configure(environment, "")
    home = Path(environment["HOME"])
    other = home / (".config/gcloud/properties" if name == "the old" else "properties")
    other.write_text("[core]\naccount = a@example.com\n")
    assert run(environment).status == 0
    assert asked(environment)


def test_another_configuration_has_another_account(cloud, run):
    environment = cloud.environment("google-gcloud")
    configure(environment, "", "empty")
    assert (
        run(environment | {"CLOUDSDK_ACTIVE_CONFIG_NAME": "empty"}).output == NOT_FOUND
    )
    assert not asked(environment)
    assert run(environment).status == 0


def test_a_login_without_a_gcloud_on_path_says_so_and_goes_on(cloud, run):
    environment = cloud.environment("google-gcloud")
    environment |= {"PATH": "/nowhere", "DOCKCRED_LOG": "warning"}
    result = run(environment)
    assert result.output == NOT_FOUND
    assert "no gcloud is found on PATH" in result.errors


@pytest.mark.parametrize("kind", ["relative", "writable"])
def test_a_planted_gcloud_is_not_run(kind, cloud, run, tmp_path):
    environment = cloud.environment("google-gcloud")
    planted, ran = tmp_path / "bin", tmp_path / "ran"
    planted.mkdir()
    (planted / "gcloud").write_text(f"#!/bin/sh\ntouch {ran}\n")
    (planted / "gcloud").chmod(0o755)
    if kind == "writable":
        planted.chmod(0o777)
        path = str(planted)
    else:
        path = os.path.relpath(planted)
    run(environment | {"PATH": f"{path}:{environment['PATH']}"})
    assert not ran.exists()


@pytest.fixture
def real(cloud):
    """The variables of a real gcloud that is logged in with a key of the sandbox."""
    if not GCLOUD:
        pytest.skip("gcloud is not installed")
    environment = cloud.environment("google-service-account")
    key = environment.pop("GOOGLE_APPLICATION_CREDENTIALS")
    environment["PATH"] = f"{Path(GCLOUD).parent}:/usr/bin:/bin"
    environment["CLOUDSDK_CONFIG"] = str(Path(environment["HOME"]) / "gcloud")
    done = subprocess.run(
        [GCLOUD, "auth", "activate-service-account", f"--key-file={key}"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"gcloud is installed and logs nobody in: {done.stderr[-200:]}")
    cloud.reset()
    return environment


def test_the_real_gclouds_active_account_is_asked_and_its_logout_is_a_miss(
    real, cloud, run
):
    first = run(real)
    assert cloud.minted(first.secret).principal == email("keyed")
    cloud.reset()
    assert run(real) == first
    assert not cloud.calls
    subprocess.run(
        [GCLOUD, "auth", "revoke", email("keyed")],
        env=real,
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )
    assert run(real).output == NOT_FOUND


def test_side_by_side_with_gclouds_own_helper(real, cloud, run):
    """Both helpers' answers are accepted, and are for the same account."""
    if not PEER:
        pytest.skip("docker-credential-gcloud is not installed")
    ours = run(real)
    done = subprocess.run(
        [PEER, "get"],
        env=real,
        input="gcr.io",
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=True,
    )
    theirs = json.loads(done.stdout)
    assert cloud.google.admits(ours.username, ours.secret, "gcr.io", time.time())
    assert cloud.google.admits(
        theirs["Username"], theirs["Secret"], "gcr.io", time.time()
    )
    account = cloud.minted(theirs["Secret"]).principal
    assert cloud.minted(ours.secret).principal == account
