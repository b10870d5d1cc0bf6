"""Logins that `configure` would hide, or its undo would lose: each one is reported.

A login is hidden if docker's own code does not send it.
"""

from __future__ import annotations

import base64
import json
import os
import pty
import subprocess
from pathlib import Path

import pytest
from support import oracles
from support.program import BUSY_S

from .places import PROGRAMS

AUTH = base64.b64encode(b"user:s3cr3t").decode()
LOGIN = json.dumps({"auths": {"r.example": {"auth": AUTH}}}, indent="\t")
ALL = ("dockcred", "configure", "docker", "--all", "--helper", "keyring")
UNDO = ("dockcred", "configure", "docker", "--undo")
COMMAND = "dockcred import docker"


@pytest.fixture
def config(vault):
    path = vault.path / ".docker/config.json"
    path.parent.mkdir(mode=0o700)
    path.write_text(LOGIN)
    path.chmod(0o600)
    return path


def sent(vault) -> object:
    """Return the secret that docker's own code sends, with our helper."""
    variables = {**vault.variables, "PATH": f"{PROGRAMS}:/usr/bin:/bin"}
    variables.pop("HOME", None)
    return oracles.ask("docker_cli", vault.path, variables, "r.example")["secret"]


def test_without_a_terminal_the_command_is_said_and_it_brings_them_back(vault, config):
    assert sent(vault) == "s3cr3t"
    ran = vault.run(*ALL)
    assert ran.returncode == 0, ran.stderr
    assert "logins in auths are not read: r.example" in ran.stderr
    assert f"run: {COMMAND}" in ran.stderr
    assert sent(vault) is None
    assert vault.run(*COMMAND.split()).returncode == 0
    assert sent(vault) == "s3cr3t"


def test_with_the_option_they_are_imported_at_once(vault, config):
    ran = vault.run(*ALL, "--import")
    assert ran.returncode == 0, ran.stderr
    assert "imported, read back equal" in ran.stdout
    assert sent(vault) == "s3cr3t"
    assert "s3cr3t" not in ran.stdout + ran.stderr


def test_where_one_cannot_be_imported_nothing_is_hidden(vault, config):
    vault.key_file.unlink()
    ran = vault.run(*ALL, "--import")
    assert ran.returncode == 1
    assert config.read_text() == LOGIN
    assert sent(vault) == "s3cr3t"


@pytest.mark.parametrize("answer, found", [(b"y\n", "s3cr3t"), (b"n\n", None)])
def test_on_a_terminal_it_is_asked(vault, config, answer, found):
    ours, theirs = pty.openpty()
    running = subprocess.Popen(
        [PROGRAMS / "dockcred", *ALL[1:]],
        env=vault.variables,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    )
    os.write(ours, answer)
    assert running.wait(BUSY_S) == 0
    assert b"Import them into the store now?" in os.read(ours, 10000)
    os.close(ours)
    os.close(theirs)
    assert sent(vault) == found


def test_the_doctor_finds_hidden_logins_and_its_command_ends_it(vault, config):
    vault.run(*ALL)
    ran = vault.run("dockcred", "doctor")
    assert ran.returncode == 1
    assert ran.stdout.startswith("✗ broken: auths[")
    assert 'auths["r.example"]' in ran.stdout
    assert "run: dockcred import docker --remove" in ran.stdout
    assert vault.run("dockcred", "import", "docker", "--remove").returncode == 0
    assert 'auths["r.example"]' not in vault.run("dockcred", "doctor").stdout
    assert sent(vault) == "s3cr3t"


@pytest.mark.parametrize(
    "helpers, hidden",
    [({}, False), ({"r.example": "keyring"}, True), ({"r.example": ""}, False)],
)
def test_the_doctor_says_of_cred_helpers_what_docker_does(
    vault, config, helpers, hidden
):
    content = json.loads(LOGIN) | {"credHelpers": helpers}
    if helpers.get("r.example") == "":
        content["credsStore"] = "keyring"
    config.write_text(json.dumps(content))
    assert (sent(vault) is None) == hidden
    said = " ".join(vault.run("dockcred", "doctor").stdout.split())
    assert ("does not send" in said) == hidden


def test_podmans_namespaces_are_hidden_by_their_hosts_helper(vault):
    path = vault.path / "auth.json"
    text = json.dumps({"auths": {"r.example/team": {"auth": AUTH}}})
    path.write_text(text)
    vault.variables["REGISTRY_AUTH_FILE"] = str(path)
    ran = vault.run(
        *("dockcred", "configure", "podman", "--registry", "r.example"),
        *("--helper", "keyring"),
    )
    assert "logins in auths are not read: r.example/team" in ran.stderr
    assert f"run: dockcred import {path}" in ran.stderr


def test_podmans_files_are_hidden_by_a_list_without_them(vault):
    (vault.path / "auth.json").write_text(LOGIN)
    conf = vault.path / "registries.conf"
    conf.write_text('credential-helpers = ["keyring"]\n')
    vault.variables["REGISTRY_AUTH_FILE"] = str(vault.path / "auth.json")
    vault.variables["CONTAINERS_REGISTRIES_CONF"] = str(conf)
    said = " ".join(
        vault.run("dockcred", "doctor", "--client", "podman").stdout.split()
    )
    assert "auth.json is not read: credential-helpers" in said
    conf.write_text('credential-helpers = ["keyring", "containers-auth.json"]\n')
    said = " ".join(
        vault.run("dockcred", "doctor", "--client", "podman").stdout.split()
    )
    assert "is not read" not in said


@pytest.fixture
def moved(vault, config):
    """Configure, then import and remove the logins; return docker's config.json."""
    vault.run(*ALL)
    ran = vault.run("dockcred", "import", "docker", "--remove")
    assert ran.returncode == 0, ran.stderr
    assert sent(vault) == "s3cr3t"
    return config


def test_removal_leaves_no_password_in_the_backup(vault, moved):
    assert AUTH.encode() not in vault.everything()


def test_an_undo_says_beforehand_what_it_cannot_undo(vault, moved):
    before = moved.read_bytes()
    ran = vault.run(*UNDO)
    assert ran.returncode == 1
    assert "r.example" in ran.stderr
    assert "--logins" in ran.stderr
    assert moved.read_bytes() == before
    assert sent(vault) == "s3cr3t"


def test_an_undo_gives_back_the_logins_where_that_is_asked_for(vault, moved):
    ran = vault.run(*UNDO, "--logins")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(moved.read_text()) == json.loads(LOGIN)
    assert sent(vault) == "s3cr3t"
    assert os.listdir(moved.parent) == ["config.json"]
    assert "s3cr3t" not in ran.stdout + ran.stderr


def test_an_undo_leaves_them_in_the_store_where_that_is_asked_for(vault, moved):
    ran = vault.run(*UNDO, "--no-logins")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(moved.read_text()) == {"auths": {}}
    assert vault.helper.get("r.example") == ("user", "s3cr3t")


def test_an_undo_that_cannot_read_them_undoes_nothing(vault, moved):
    vault.key_file.unlink()
    before = moved.read_bytes()
    ran = vault.run(*UNDO, "--logins")
    assert ran.returncode == 1
    assert "r.example cannot be given back" in ran.stderr
    assert moved.read_bytes() == before


def test_a_login_that_is_there_again_is_not_stranded(vault, moved):
    content = json.loads(moved.read_text())
    content["auths"]["r.example"] = {"auth": AUTH}
    moved.write_text(json.dumps(content))
    assert vault.run(*UNDO).returncode == 0
    assert sent(vault) == "s3cr3t"


def test_a_store_that_was_named_before_us_still_answers(vault, config: Path):
    content = json.loads(LOGIN) | {"credsStore": "keyring"}
    config.write_text(json.dumps(content))
    vault.run(*ALL[:-1], "auto")
    vault.run("dockcred", "import", "docker", "--remove")
    ran = vault.run(*UNDO)
    assert ran.returncode == 0, ran.stderr
    assert sent(vault) == "s3cr3t"


@pytest.fixture
def moved_first(vault, config):
    """Import and remove the logins, then configure; return docker's config.json."""
    ran = vault.run("dockcred", "import", "docker", "--remove")
    assert ran.returncode == 0, ran.stderr
    assert sent(vault) is None
    assert AUTH.encode() not in vault.everything()
    vault.run(*ALL)
    assert sent(vault) == "s3cr3t"
    return config


def test_an_undo_knows_what_was_moved_before_the_set_up(vault, moved_first):
    before = moved_first.read_bytes()
    ran = vault.run(*UNDO)
    assert ran.returncode == 1
    assert "moved logins out of" in ran.stderr
    assert "r.example" in ran.stderr
    assert "--logins" in ran.stderr
    assert moved_first.read_bytes() == before
    assert sent(vault) == "s3cr3t"


def test_what_was_moved_before_is_given_back_too(vault, moved_first):
    ran = vault.run(*UNDO, "--logins")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(moved_first.read_text()) == json.loads(LOGIN)
    assert sent(vault) == "s3cr3t"
    assert os.listdir(moved_first.parent) == ["config.json"]


def test_what_is_left_in_the_store_is_said_at_the_next_undo_too(vault, moved_first):
    assert vault.run(*UNDO, "--no-logins").returncode == 0
    assert sent(vault) is None
    vault.run(*ALL)
    assert sent(vault) == "s3cr3t"
    ran = vault.run(*UNDO)
    assert ran.returncode == 1
    assert "r.example" in ran.stderr


def test_without_a_set_up_there_is_nothing_to_undo(vault, config):
    assert vault.run("dockcred", "import", "docker", "--remove").returncode == 0
    ran = vault.run(*UNDO)
    assert (ran.returncode, ran.stdout) == (0, "nothing to undo\n")


def test_what_others_helper_answers_for_needs_no_record(vault, config):
    config.write_text(json.dumps(json.loads(LOGIN) | {"credsStore": "keyring"}))
    assert vault.run("dockcred", "import", "docker", "--remove").returncode == 0
    assert sent(vault) == "s3cr3t"
    assert os.listdir(config.parent) == ["config.json"]


def test_the_record_of_what_roots_hand_moved_is_the_owners(vault, config):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(config, 12345, 54321)
    assert vault.run("dockcred", "import", "docker", "--remove").returncode == 0
    for path in config.parent.iterdir():
        assert (path.stat().st_uid, path.stat().st_gid) == (12345, 54321), path


def test_podmans_list_of_helpers_strands_what_was_moved_too(vault):
    """The helper is named in registries.conf, and the logins were in auth.json."""
    file = vault.path / ".config/containers/auth.json"
    file.parent.mkdir(parents=True)
    file.write_text(LOGIN)
    vault.variables |= {"XDG_RUNTIME_DIR": "", "HOME": str(vault.path)}
    assert vault.run("dockcred", "import", str(file), "--remove").returncode == 0
    configure = ("dockcred", "configure", "podman")
    assert vault.run(*configure, "--all", "--helper", "keyring").returncode == 0
    ran = vault.run(*configure, "--undo")
    assert ran.returncode == 1
    assert "r.example" in ran.stderr
    ran = vault.run(*configure, "--undo", "--logins")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(file.read_text()) == json.loads(LOGIN)
    assert os.listdir(file.parent) == ["auth.json"]
