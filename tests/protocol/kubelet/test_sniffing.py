"""K15: a start without arguments. Kubelet sends JSON, nomad-driver-podman an image."""

from __future__ import annotations

import json
import os
import subprocess

import pytest
from support.kubelet import complaint, password, request
from support.program import BUSY_S, HOST, NOT_FOUND, Program


@pytest.fixture(params=["docker-credential-auto", "dockcred-credential-provider"])
def program(request, helper_bin) -> Program:
    return Program(str(helper_bin / request.param))


def test_json_is_kubelet_s(program, node, cloud):
    assert cloud.minted(password(program(environment=node(), stdin=request())))


@pytest.mark.parametrize("key", [HOST, f"{HOST}/team/app", f"https://{HOST}\n"])
def test_anything_else_is_a_get(key, program, node, cloud):
    answer = program(environment=node(), stdin=key.encode())
    fields = json.loads(answer.stdout)
    assert fields["ServerURL"] == key.strip()
    assert cloud.minted(fields["Secret"]).host == HOST
    assert answer.stderr == b""


def test_a_foreign_host_is_not_found(program, node):
    environment = node(DOCKCRED_STORE="")
    answer = program(environment=environment, stdin=b"quay.io/a/b")
    assert (answer.status, answer.stdout) == (1, NOT_FOUND)


@pytest.mark.parametrize("text", [b"", b" \n"])
def test_nothing_is_the_usage(text, program, node):
    answer = program(environment=node(), stdin=text)
    assert answer.status == 1
    assert answer.stdout.startswith(b"Usage: ")


def test_a_terminal_is_the_usage_at_once(program, node):
    ours, theirs = os.openpty()
    try:
        done = subprocess.run(
            [program.path],
            stdin=theirs,
            env=node(),
            capture_output=True,
            timeout=BUSY_S,
            check=False,
        )
    finally:
        os.close(ours)
        os.close(theirs)
    assert (done.returncode, done.stdout[:7]) == (1, b"Usage: ")


def test_json_of_another_kind_is_refused(program, node):
    text = b'{"ServerURL":"x","Username":"u","Secret":"p"}'
    said = complaint(program(environment=node(), stdin=text))
    assert "CredentialProviderRequest" in said


@pytest.mark.parametrize(
    "name", ["docker-credential-ecr-login", "docker-credential-keyring"]
)
def test_other_programs_keep_the_usage(name, helper_bin, node):
    """A1: only the programs that kubelet and Nomad run read stdin without a verb."""
    program = Program(str(helper_bin / name))
    answer = program(environment=node(), stdin=request())
    assert (answer.status, answer.stdout[:7]) == (1, b"Usage: ")


def test_auto_takes_no_arguments_of_plugins(helper_bin, node):
    program = Program(str(helper_bin / "docker-credential-auto"))
    answer = program("get-credentials", environment=node(), stdin=request())
    assert answer.stdout == b"docker-credential-auto: unknown action: get-credentials\n"
