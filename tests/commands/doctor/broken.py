"""Set-ups that break real clients, each with the words that name its cause."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass

from real.registry import ACCOUNT_HOST

from .patient import HELPER, Patient, auth

Break = Callable[[Patient], None]
BROKEN: dict[str, Broken] = {}


@dataclass(frozen=True)
class Broken:
    """How a set-up is broken, which client fails, and what the doctor then prints."""

    client: str
    cause: str
    fix: str
    break_it: Break


def broken(client: str, cause: str, fix: str) -> Callable[[Break], Break]:
    """Register a set-up under its function's name."""

    def register(break_it: Break) -> Break:
        BROKEN[break_it.__name__] = Broken(client, cause, fix, break_it)
        return break_it

    return register


@broken("docker", f"{HELPER} is not on PATH", "dockcred install")
def helper_is_not_installed(patient: Patient) -> None:
    patient.configure()


@broken("docker-py", "which is not on PATH", "export PATH=")
def helper_is_off_the_path(patient: Patient) -> None:
    patient.configure()
    patient.install(".local/bin")


@broken("docker", "is not executable", "chmod +x")
def helper_may_not_run(patient: Patient) -> None:
    patient.configure()
    patient.install().chmod(0o644)


@broken("docker", "cannot start: it needs /opt/gone/bin/python3", "dockcred install")
def interpreter_is_gone(patient: Patient) -> None:
    patient.configure()
    launcher = patient.install()
    text = launcher.read_text()
    python = text.partition("exec '")[2].partition("'")[0]
    launcher.write_text(text.replace(python, "/opt/gone/bin/python3"))


@broken("docker-py", "is a link to nothing", "rm ")
def helper_is_a_broken_link(patient: Patient) -> None:
    patient.configure()
    (patient.home / "bin" / HELPER).symlink_to("/opt/gone/ecr-login")


@broken("docker", "shadows", "mv ")
def another_helper_of_the_name_comes_first(patient: Patient) -> None:
    patient.configure()
    patient.install("new")
    old = patient.home / "bin" / HELPER
    old.write_text("#!/bin/sh\ncat >/dev/null\necho no basic auth in cache\nexit 1\n")
    old.chmod(0o755)
    path = patient.environment["PATH"]
    patient.variables["PATH"] = path.replace("/tools:", f"/tools:{patient.home}/new:")


@broken("docker", "end in CR LF", "sed ")
def helper_was_edited_on_windows(patient: Patient) -> None:
    patient.configure()
    real = patient.install("new")
    script = patient.home / "bin" / HELPER
    script.write_bytes(b'#!/bin/sh\r\nexec %s "$@"\r\n' % os.fsencode(real))
    script.chmod(0o755)


@broken("docker", "is a file; it must be a directory", "export DOCKER_CONFIG=")
def docker_config_names_the_file_itself(patient: Patient) -> None:
    patient.install()
    file = patient.configure("ci/config.json")
    patient.variables["DOCKER_CONFIG"] = str(file)


@broken("docker", "is a file; it must be a directory", "mkdir ")
def docker_config_names_a_temporary_file(patient: Patient) -> None:
    patient.install()
    file = patient.configure("tmp.0815")
    patient.variables["DOCKER_CONFIG"] = str(file)


@broken("docker-py", "is not JSON (line 1)", "mv ")
def the_file_was_half_written(patient: Patient) -> None:
    patient.install()
    patient.write(".docker/config.json", '{"credHelpers": {')


@broken("docker", ".docker/config.json has", "unset DOCKER_CONFIG")
def docker_config_names_an_empty_directory(patient: Patient) -> None:
    patient.install()
    patient.configure()
    patient.variables["DOCKER_CONFIG"] = str(patient.home / "bin")


@broken("docker", "ends in a newline", "docker login")
def echo_put_a_newline_into_auth(patient: Patient) -> None:
    patient.write(".docker/config.json", auth(f"AWS:{patient.password()}\n"))


@broken("skopeo", "ends in a newline", "login --authfile")
def echo_put_a_newline_into_auth_json(patient: Patient) -> None:
    text = auth(f"AWS:{patient.password()}\n")
    patient.write(".config/containers/auth.json", text)


@broken("skopeo", "refuses the credential of AWS (401)", "logout --authfile")
def an_old_login_stands_before_the_helper(patient: Patient) -> None:
    patient.install()
    patient.configure()
    patient.write(".config/containers/auth.json", auth("AWS:of-last-week"))


@broken("podman", "REGISTRY_AUTH_FILE names", "unset REGISTRY_AUTH_FILE")
def registry_auth_file_names_nothing(patient: Patient) -> None:
    patient.install()
    patient.configure()
    patient.variables["REGISTRY_AUTH_FILE"] = str(patient.home / "gone.json")


CONFIGURED = f"dockcred configure docker --registry {ACCOUNT_HOST} --helper ecr-login"


@broken("docker", f'credHelpers names "https://{ACCOUNT_HOST}"', CONFIGURED)
def the_key_has_a_scheme(patient: Patient) -> None:
    patient.install()
    key = f"https://{ACCOUNT_HOST}"
    patient.write(".docker/config.json", {"credHelpers": {key: "ecr-login"}})


@broken("docker-py", 'credHelpers names "*.amazonaws.com"', CONFIGURED)
def the_key_is_a_wildcard(patient: Patient) -> None:
    patient.install()
    config = {"credHelpers": {"*.amazonaws.com": "ecr-login"}}
    patient.write(".docker/config.json", config)


@broken("docker", "is a stub without a credential", CONFIGURED)
def a_stub_is_left_of_a_store(patient: Patient) -> None:
    patient.install()
    patient.write(".docker/config.json", {"auths": {ACCOUNT_HOST: {}}})


@broken("skopeo", "ignore credsStore (ecr-login)", "dockcred configure podman")
def the_store_is_dockers_alone(patient: Patient) -> None:
    patient.install()
    patient.write(".docker/config.json", {"credsStore": "ecr-login"})
