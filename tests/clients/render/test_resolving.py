"""Resolve registries to logins: one timeout, a minimum life, and named failures."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from support.program import BUSY_S, LONG_S

from dockcred.api.many import resolve_logins
from dockcred.api.resolve import Policy
from dockcred.clients.entries import earliest_end
from dockcred.errors import (
    InvalidInputError,
    IssueError,
    MissingIdentityError,
    MissingServerURLError,
    TimedOutError,
)
from dockcred.testing.sandbox import Sandbox

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
OTHER = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
MINT = "ecr:GetAuthorizationToken"
HOUR = 3600


def test_each_registry_gets_its_own_credential_in_the_order_named(
    cloud: Sandbox,
) -> None:
    found = resolve_logins([OTHER, HOST, OTHER], environment=cloud.environment())
    assert [login.registry for login in found] == [OTHER, HOST]
    for login in found:
        assert cloud.minted(login.credential.secret).host == login.registry  # type: ignore[union-attr]
        assert login.credential.secret not in repr(login)
    assert earliest_end(found) == min(login.credential.expires_at for login in found)


def test_a_life_that_is_long_enough_is_answered_from_the_cache(cloud: Sandbox) -> None:
    environment = cloud.environment()
    first = resolve_logins([HOST], environment=environment)
    again = resolve_logins([HOST], environment=environment, min_life_s=11 * HOUR)
    assert again[0].credential.secret == first[0].credential.secret
    assert cloud.calls[MINT] == 1


def test_a_life_that_no_credential_has_is_an_error_that_names_both(
    cloud: Sandbox,
) -> None:
    """The cached one expires too soon, so a new one is minted; it lasts no longer."""
    environment = cloud.environment()
    resolve_logins([HOST], environment=environment)
    with pytest.raises(IssueError, match=r"lasts 43\d{3} s, and 46800 s are asked"):
        resolve_logins([HOST], environment=environment, min_life_s=13 * HOUR)
    assert cloud.calls[MINT] == 2


def test_a_failure_names_its_registry(cloud: Sandbox) -> None:
    cloud.fail("ecr:access-denied")
    with pytest.raises(IssueError, match=f"{HOST}: AWS denies"):
        resolve_logins([HOST], environment=cloud.environment())


def test_a_namespace_has_the_identity_that_its_path_chooses(cloud: Sandbox) -> None:
    environment = cloud.environment()
    config = Path(environment["HOME"]) / ".config/dockcred/config.toml"
    config.parent.mkdir(parents=True)
    named = ["cr.corp.example/team", "cr.corp.example/other/app"]
    config.write_text(
        f'[[registry]]\nmatch = "{named[0]}"\nregistry = "{HOST}"\n'
        f'[[registry]]\nmatch = "cr.corp.example/other"\nregistry = "{OTHER}"\n'
    )
    config.chmod(0o600)
    found = resolve_logins(named, environment=environment)
    hosts = [cloud.minted(login.credential.secret).host for login in found]  # type: ignore[union-attr]
    assert hosts == [HOST, OTHER]


def test_a_registry_that_is_nobodys_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingIdentityError, match="no identity answers for ghcr.io"):
        resolve_logins(
            ["ghcr.io"],
            policy=Policy(order=("docker",)),
            environment={"HOME": str(tmp_path)},
        )


@pytest.mark.parametrize("name", ["alpine", "team/app", "registry", "a b.example"])
def test_what_is_no_registry_is_refused(name: str) -> None:
    with pytest.raises(InvalidInputError):
        resolve_logins([name], environment={})


def test_no_name_is_refused() -> None:
    with pytest.raises(MissingServerURLError):
        resolve_logins([""], environment={})
    with pytest.raises(InvalidInputError, match="no registry is named"):
        resolve_logins([], environment={})


def test_one_limit_holds_for_all(tmp_path: Path) -> None:
    """The helper hangs; it is asked for twenty registries, eight at a time."""
    helper = tmp_path / "docker-credential-slow"
    helper.write_text(f"#!/bin/sh\nexec sleep {LONG_S}\n")
    helper.chmod(0o755)
    start = time.monotonic()
    with pytest.raises((IssueError, TimedOutError)):
        resolve_logins(
            [f"r{n}.example" for n in range(20)],
            policy=Policy(order=("helper:slow",)),
            timeout_s=1,
            environment={"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"},
        )
    assert time.monotonic() - start < BUSY_S


def test_a_password_that_ends_in_a_newline_is_an_error(tmp_path: Path) -> None:
    helper = tmp_path / "docker-credential-echo"
    answer = r'{"Username": "me", "Secret": "secret\n"}'
    helper.write_text(f"#!/bin/sh\nprintf %s '{answer}'\n")
    helper.chmod(0o755)
    with pytest.raises(IssueError, match="ends in a newline") as raised:
        resolve_logins(
            ["r.example"],
            policy=Policy(order=("helper:echo",)),
            environment={"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"},
        )
    assert "secret" not in str(raised.value)
