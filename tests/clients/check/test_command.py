"""`dockcred check` as a person runs it, and on random bytes."""

from __future__ import annotations

import base64
import json
import os
import subprocess
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support.program import BUSY_S

from dockcred.clients import formats, kubelet
from dockcred.clients import formats as rendering
from dockcred.clients.entries import Login
from dockcred.clients.findings import Severity
from dockcred.clients.formats import Options
from dockcred.credential import Credential

GOOD = '{"auths": {"ghcr.io": {"auth": "bWU6czNjcjN0"}}}'
STUB = '{"auths": {"ghcr.io": {}}}'
BROKEN = '{"auths": {"ghcr.io": {"auth": "czNjcjN0"}}}'
MARK = "s3cr3t=mark"
ALONE = {"argocd", "nomad", "password", "user-pass"}  # formats with one registry


@pytest.fixture
def check(helper_bin: Path, tmp_path: Path):
    def run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [str(helper_bin / "dockcred"), "check", *arguments],
            input=stdin,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )
        assert "Traceback" not in done.stderr
        assert "s3cr3t" not in done.stdout + done.stderr
        return done

    return run


@pytest.mark.parametrize(
    "text, status, said",
    [
        (GOOD, 0, "✓ stdin is in order"),
        (STUB, 1, "! auths["),
        (BROKEN, 2, "✗ auths["),
        ("{", 2, "✗ it is not JSON at line 1"),
    ],
)
def test_the_status_is_the_worst_finding(check, text, status, said) -> None:
    done = check("docker-config", "-", stdin=text)
    assert (done.returncode, done.stderr) == (status, "")
    assert done.stdout.startswith(said)


def test_json_is_for_machines(check) -> None:
    found = json.loads(check("docker-config", "-", "--json", stdin=STUB).stdout)
    assert found["name"] == "stdin"
    assert found["status"] == 1
    assert [f["severity"] for f in found["findings"]] == ["warning"]


def test_a_file_that_others_can_read_is_told(check, tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text(GOOD)
    file.chmod(0o644)
    done = check("docker-config", str(file))
    assert done.returncode == 1
    assert f"run: chmod 600 {file}" in done.stdout
    file.chmod(0o600)
    assert check("docker-config", str(file)).returncode == 0


@pytest.mark.parametrize(
    "form, text, status",
    [
        ("user-pass", "me:s3cr3t", 1),
        ("docker-config", '{"credsStore": "auto"}', 0),
        ("kubelet-config", kubelet.config(["ghcr.io"]), 0),
    ],
)
def test_only_a_secret_is_to_be_hidden(
    check, tmp_path: Path, form: str, text: str, status: int
) -> None:
    file = tmp_path / "file"
    file.write_text(text)
    file.chmod(0o644)
    assert check(form, str(file)).returncode == status


@pytest.mark.parametrize(
    "arguments, said",
    [
        (("docker-config", "absent"), "✗ absent: No such file"),
        (("docker-config", "/"), "✗ /: Is a directory"),
        (("docker-config", "/dev/zero"), "✗ /dev/zero is larger than 4 MiB"),
        (("nonsense", "-"), "Invalid value"),
        (("docker-config", "-", "--for", "coco"), "has no rules of coco's"),
    ],
)
def test_what_cannot_be_checked_is_an_error(check, arguments, said) -> None:
    done = check(*arguments)
    assert done.returncode == 2
    assert said in done.stdout + done.stderr


def test_a_closed_pipe_is_no_traceback(helper_bin: Path, tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    with open(theirs, "wb") as closed:
        done = subprocess.run(
            [str(helper_bin / "dockcred"), "check", "docker-config", "-"],
            input=GOOD.encode(),
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            stdout=closed,
            stderr=subprocess.PIPE,
            timeout=BUSY_S,
            check=False,
        )
    assert b"Traceback" not in done.stderr


SECRETS = st.text(st.characters(exclude_categories=("C",)), min_size=1, max_size=40)
HOSTS = st.sampled_from(["ghcr.io", "docker.io", "contoso.azurecr.io", "gcr.io"])


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(HOSTS, SECRETS, min_size=1))
def test_what_is_rendered_is_in_order(kept: dict[str, str]) -> None:
    logins = [Login(host, Credential("me", secret)) for host, secret in kept.items()]
    for name in rendering.FORMATS.keys() & formats.CHECKERS.keys():
        some = logins[:1] if name in ALONE else logins
        for reader in ("", *rendering.load(name).CONSUMERS):
            data = rendering.render(name, some, Options(consumer=reader))
            strict = reader if reader in formats.CONSUMERS else ""
            findings = formats.check(name, data, strict)
            assert max(f.severity for f in findings) < Severity.WARNING, findings


LEAVES = st.sampled_from(
    [
        MARK,
        base64.b64encode(f"me:{MARK}".encode()).decode(),
        base64.b64encode(MARK.encode()).decode(),
        f"{MARK}\n",
        "",
        0,
        True,
        None,
    ]
)
NAMES = st.sampled_from(
    [
        *("auths", "auth", "credsStore", "credHelpers", "password"),
        *("ghcr.io", "*", "a/b:c", "https://x/y", "identitytoken", "kind", "data"),
        *(".dockerconfigjson", "contrast-imagepuller.toml", "metadata", "Secret"),
        *("items", "Items", "type", "annotations", "dockcred/expires-at"),
        *(
            "registries",
            "extra-env",
            "ca-certs",
            f"u:{MARK}@h",
            f"u:{MARK}@h/team",
            f"u:{MARK}@*.h",
        ),
    ]
)
TREES = st.recursive(
    LEAVES, lambda t: st.lists(t, max_size=2) | st.dictionaries(NAMES, t, max_size=5)
)


@settings(max_examples=300, deadline=None)
@given(TREES)
@example({"credsStore": MARK})
def test_no_shape_of_json_is_a_crash_or_shows_a_value(tree: object) -> None:
    # A list at the top gets a name, because the top of TOML is always a table.
    _shows_nothing(json.dumps({"a": tree} if isinstance(tree, list) else tree).encode())
    _shows_nothing(json.dumps({"kind": "Secret", "data": tree}).encode())
    _shows_nothing(json.dumps({"auths": tree}).encode())


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=80))
def test_no_bytes_are_a_crash(data: bytes) -> None:
    _shows_nothing(data)
    _shows_nothing(b"[registries.'a.example.']\n" + data)


def _shows_nothing(data: bytes) -> None:
    for name in formats.CHECKERS:
        for reader in ("", "coco") if name == "containers-auth" else ("",):
            for finding in formats.check(name, data, reader):
                said = finding.text + finding.remedy + finding.fix
                assert MARK not in said
                assert "\n" not in said
