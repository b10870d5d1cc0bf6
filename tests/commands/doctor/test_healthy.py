"""For a working set-up the doctor ends with status 0, no warning and no secret."""

from __future__ import annotations

import json

import pytest
from real.clients import Account
from real.registry import ACCOUNT_HOST

from .patient import Patient, admit, auth


@pytest.fixture
def patient(account: Account, image: str) -> Patient:
    admitted = admit(account, image)
    admitted.install()
    return admitted


def test_after_install_and_configure_every_client_is_in_order(patient: Patient) -> None:
    for client in ("docker", "podman"):
        patient.succeed(
            f"dockcred configure {client} --registry {ACCOUNT_HOST} --helper ecr-login"
        )
    for client in ("docker", "docker-py", "skopeo", "podman"):
        patient.succeed(patient.client(client))
    told = patient.doctor()
    assert told.returncode == 0, told.stdout
    assert told.stderr == ""
    words = " ".join(told.stdout.split())
    assert words.startswith("\u2713 works: docker and podman show ")
    assert "the user AWS, which it takes docker: works" in words
    assert not any(mark in told.stdout for mark in "!✗")
    assert (
        f"lets the credential of AWS read {patient.image.split('/', 1)[1][:-2]}"
        in words
    )


def test_a_good_login_kept_in_a_file_is_in_order(patient: Patient) -> None:
    patient.write(".docker/config.json", auth(f"AWS:{patient.password()}"))
    patient.succeed(patient.client("docker"))
    told = patient.doctor("--client", "docker")
    assert told.returncode == 0, told.stdout


def test_without_a_host_the_machine_is_looked_at(patient: Patient) -> None:
    patient.configure()
    told = patient.sh("dockcred doctor")
    assert told.returncode == 0, told.stdout
    (patient.home / "bin/docker-credential-ecr-login").unlink()
    assert patient.sh("dockcred doctor").returncode == 1


def test_json_says_the_same_to_machines(patient: Patient) -> None:
    patient.configure()
    said = json.loads(patient.doctor("--json").stdout)
    assert (said["status"], said["verdict"]) == (0, "works")
    steps = [f["step"] for f in said["findings"] if f["client"] == "docker"]
    order = ("file", "key", "helper", "answer", "registry")
    assert sorted(order, key=steps.index) == list(order)
    identity = next(f for f in said["findings"] if f["step"] == "identity")
    assert identity["text"].startswith("aws:env-keys: AWS_ACCESS_KEY_ID=AKIA…")


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_no_secret_is_ever_shown(patient: Patient, options: tuple[str, ...]) -> None:
    patient.configure()
    password = patient.password()
    told = patient.doctor(*options)
    shown = told.stdout + told.stderr
    assert password not in shown
    assert password[:40] not in shown
    assert patient.cloud["AWS_SECRET_ACCESS_KEY"] not in shown
    assert patient.cloud["AWS_ACCESS_KEY_ID"] not in shown


def test_the_credential_of_another_account_is_told_from_a_missing_permission(
    patient: Patient,
) -> None:
    patient.configure()
    other = ACCOUNT_HOST.replace("123456789012", "210987654321")
    patient.write(
        ".config/dockcred/config.toml",
        f'[[registry]]\nmatch = "{ACCOUNT_HOST}"\nregistry = "{other}"\n',
    )
    assert patient.sh(patient.client("docker")).returncode != 0
    told = patient.doctor("--client", "docker")
    assert told.returncode == 1
    assert told.stdout.startswith("✗ broken: wrong account:")
    words = " ".join(told.stdout.split())
    assert f"config.toml puts {other} behind {ACCOUNT_HOST}" in words
