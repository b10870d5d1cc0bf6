"""The public API: right answers and errors, and no effect on the host process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support.program import LONG_S, wait_until

import dockcred
from dockcred import Credential, Policy, resolve
from dockcred.errors import (
    CredentialsNotFoundError,
    DockcredError,
    InvalidInputError,
    IssueError,
    MissingIdentityError,
    TimedOutError,
    TransportError,
)
from dockcred.testing.sandbox import Sandbox

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
OTHER = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
UNCONFIGURED = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "HOME": "/nonexistent",
    "DOCKCRED_CACHE": "off",
}
MINT = "ecr:GetAuthorizationToken"


@pytest.mark.parametrize("server", [HOST, f"https://{HOST}", f"{HOST}/team/app:1"])
def test_a_registry_in_any_form_is_answered(cloud: Sandbox, server: str) -> None:
    found = resolve(server, environment=cloud.environment())
    assert isinstance(found, Credential)
    assert found.username == "AWS"
    minted = cloud.minted(found.secret)
    assert minted is not None
    assert minted.host == HOST
    assert found.expires_at is not None
    assert found.expires_at - time.time() > 11 * 3600
    assert found.secret not in repr(found)


@pytest.mark.parametrize("identity", ["instance-profile", "web-identity", "sso"])
def test_every_road_serves(cloud: Sandbox, identity: str) -> None:
    found = resolve(HOST, environment=cloud.environment(identity))
    assert cloud.minted(found.secret)


def test_the_second_call_is_answered_from_the_cache_without_a_process(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    environment = cloud.environment()
    first = resolve(HOST, environment=environment)
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    assert resolve(HOST, environment=environment).secret == first.secret
    assert cloud.calls[MINT] == 1


def test_without_the_cache_each_call_mints_and_none_is_kept(cloud: Sandbox) -> None:
    environment = cloud.environment()
    for _ in range(2):
        resolve(HOST, environment=environment, policy=Policy(cache=False))
    assert cloud.calls[MINT] == 2
    assert not os.path.exists(environment["DOCKCRED_CACHE_DIR"])


def test_many_threads_share_one_mint_and_get_each_its_own_registry(
    cloud: Sandbox,
) -> None:
    environment = cloud.environment()
    asked = [HOST, OTHER] * 6
    with ThreadPoolExecutor(len(asked)) as pool:
        found = list(pool.map(lambda h: resolve(h, environment=environment), asked))
    for host, credential in zip(asked, found, strict=True):
        minted = cloud.minted(credential.secret)
        assert minted is not None
        assert minted.host == host
    assert cloud.calls[MINT] == 2


def test_threads_with_unlike_variables_do_not_meet(cloud: Sandbox) -> None:
    homes = [cloud.environment(name) for name in ("env-keys", "sso", "web-identity")]
    with ThreadPoolExecutor(3) as pool:
        found = list(pool.map(lambda e: resolve(HOST, environment=e), homes))
    principals = {cloud.minted(c.secret).principal for c in found}  # type: ignore[union-attr]
    assert len(principals) == 3


def test_the_process_is_left_as_it_was(
    cloud: Sandbox, capfd: pytest.CaptureFixture[str]
) -> None:
    before = dict(os.environ), os.getcwd(), threading.active_count(), _umask()
    resolve(HOST, environment=cloud.environment("sso"))
    with pytest.raises(MissingIdentityError):
        resolve(HOST, environment=UNCONFIGURED)
    assert (dict(os.environ), os.getcwd(), threading.active_count(), _umask()) == before
    assert capfd.readouterr() == ("", "")


def test_the_process_variables_are_read_where_none_are_given(
    cloud: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in list(os.environ):
        if name.startswith("AWS_"):
            monkeypatch.delenv(name)
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    assert cloud.minted(resolve(HOST).secret)


def test_the_time_limit_ends_a_mint_that_hangs_and_its_children(
    cloud: Sandbox, tmp_path: Path
) -> None:
    environment = cloud.environment("credential-process")
    pid = tmp_path / "pid"
    script = Path(environment["HOME"]) / "credential-process"
    script.write_text(f"#!/bin/sh\necho $$ >{pid}\nexec sleep {LONG_S}\n")
    with pytest.raises(TimedOutError, match="gave up after"):
        resolve(HOST, environment=environment, timeout_s=3)
    wait_until(lambda: not Path("/proc", pid.read_text().strip()).exists())


@pytest.mark.parametrize(
    "server, environment, kind",
    [
        (HOST, UNCONFIGURED, MissingIdentityError),
        ("registry.example", UNCONFIGURED, CredentialsNotFoundError),
        ("public.ecr.aws", UNCONFIGURED, CredentialsNotFoundError),
        ("user@host.example", UNCONFIGURED, InvalidInputError),
        (
            HOST,
            UNCONFIGURED
            | {
                "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE",
                "AWS_SECRET_ACCESS_KEY": "x",
                "AWS_ENDPOINT_URL_ECR": "http://127.0.0.1:1",
            },
            TransportError,
        ),
    ],
)
def test_each_failure_is_its_own_kind(
    server: str, environment: dict[str, str], kind: type[DockcredError]
) -> None:
    with pytest.raises(kind) as raised:
        resolve(server, environment=environment)
    assert type(raised.value) is kind
    assert raised.value.cause


def test_a_refusal_keeps_its_cause_and_its_kind(cloud: Sandbox) -> None:
    cloud.fail("ecr:access-denied")
    with pytest.raises(IssueError, match="AWS denies ecr:GetAuthorizationToken"):
        resolve(HOST, environment=cloud.environment())


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_limit_that_is_none_is_refused(seconds: float) -> None:
    with pytest.raises(InvalidInputError, match="timeout_s"):
        resolve(HOST, timeout_s=seconds)


def test_importing_dockcred_imports_nothing_else() -> None:
    code = "import sys, dockcred; print([m for m in sys.modules if 'dockcred.' in m])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"
    assert dockcred.__all__ == ("Credential", "Policy", "resolve")
    with pytest.raises(AttributeError):
        dockcred.no_such_name  # noqa: B018


def test_a_configured_alias_is_answered_with_its_registry(cloud: Sandbox) -> None:
    environment = cloud.environment()
    config = Path(environment["HOME"]) / ".config/dockcred/config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(f'[[registry]]\nmatch = "cr.corp.example"\nregistry = "{HOST}"\n')
    config.chmod(0o600)
    found = resolve("cr.corp.example", environment=environment)
    assert cloud.minted(found.secret).host == HOST  # type: ignore[union-attr]
    assert json.dumps(found.username) == '"AWS"'


def _umask() -> int:
    now = os.umask(0o022)
    os.umask(now)
    return now
