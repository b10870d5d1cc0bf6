"""Which of our signatures each registry accepts, also after a rotation of the keys."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import oidc_issuer, token_service
from support.oidc_issuer import AUDIENCE
from support.token_service import Service

from dockcred.commands.token_service.access_token import sign
from dockcred.commands.token_service.key_directory import KeyDirectory
from dockcred.commands.token_service.request import Access
from dockcred.commands.token_service.settings import Settings

from . import registries
from .registries import Site
from .test_mounts import ask


@pytest.fixture
def keys(tmp_path: Path) -> KeyDirectory:
    directory = KeyDirectory(str(tmp_path / "keys"))
    directory.create()
    return directory


Registry = Callable[..., Site]


@pytest.fixture
def registry(tmp_path: Path, helper_bin: Path):
    """Return a function that starts a registry with the present keys, without nginx."""
    with ExitStack() as stack:

        def start(binary: str, sign_for: str) -> Site:
            port = registries.free_port()
            (tmp_path / "token-service.toml").write_text(
                f'service = "{registries.SERVICE}"\nkeys = "{tmp_path}/keys"\n'
                f'sign_for = "{sign_for}"\n'
            )
            site = Site(f"127.0.0.1:{port}", tmp_path, None, helper_bin)
            stack.enter_context(registries.registry(site, binary, port))
            return site

        yield start


def status(site: Site, keys: KeyDirectory, sign_for: str, **changes: object) -> int:
    """Request the catalog with a token signed now; return the status."""
    now = time.time()
    settings = Settings(registries.SERVICE, keys.path, (), (), sign_for=sign_for)
    words = {"subject": "me", "now": now, "until": now + 60} | changes
    access = [Access("registry", "catalog", frozenset("*"))]
    token = sign(settings, keys.signing_key(), granted=access, **words)
    return ask(site, "GET", "/v2/_catalog", f"Bearer {token.text}")[0]


TWO, THREE = registries.distribution_2, registries.distribution_3


@pytest.mark.parametrize(
    ("binary", "told", "signed", "expected"),
    [
        (TWO, "certificate", "certificate", 200),
        (TWO, "certificate", "jwks", 401),
        (THREE, "certificate", "certificate", 200),
        # distribution 3.0 computes a P-256 thumbprint from the curve's base point, not
        # from the key (auth/token, GetRFC7638Thumbprint). So it finds no key by its
        # thumbprint in a certificate bundle.
        (THREE, "certificate", "jwks", 401),
        (THREE, "jwks", "jwks", 200),
        (THREE, "jwks", "certificate", 401),
    ],
)
def test_each_registry_believes_what_it_was_told_of(
    keys: KeyDirectory, registry: Registry, binary, told, signed, expected
):
    assert status(registry(binary(), told), keys, signed) == expected


@pytest.mark.parametrize("kind", ["certificate", "jwks"])
def test_a_registry_believes_no_strangers_key_and_no_old_token(
    keys: KeyDirectory, registry: Registry, tmp_path: Path, kind: str
):
    site = registry(THREE(), kind)
    stranger = KeyDirectory(str(tmp_path / "stranger"))
    stranger.create()
    assert status(site, keys, kind) == 200
    assert status(site, stranger, kind) == 401
    assert status(site, keys, kind, until=time.time() - 120) == 401


@pytest.mark.parametrize(("binary", "kind"), [(TWO, "certificate"), (THREE, "jwks")])
def test_a_rotation_is_not_noticed_by_a_registry_that_runs(
    keys: KeyDirectory, registry: Registry, binary, kind: str
):
    site = registry(binary(), kind)
    assert status(site, keys, kind) == 200
    keys.rotate()
    assert status(site, keys, kind) == 200  # published when the registry started
    keys.rotate()
    assert status(site, keys, kind) == 401  # the key is newer than the registry's copy
    assert status(registry(binary(), kind), keys, kind) == 200


RULES = """
service = "{service}"
keys = "{keys}"
sign_for = "{kind}"

[issuers.github]
url = "{issuer}"
audience = "{audience}"
kind = "github"

[[rules]]
issuer = "github"
claims = {{ repository_id = "17", event_name = "push" }}
repositories = ["team/app"]
actions = ["pull"]
"""


@pytest.mark.parametrize(("binary", "kind"), [(TWO, "certificate"), (THREE, "jwks")])
def test_replicas_of_one_key_are_one_service(
    keys: KeyDirectory, registry: Registry, tmp_path: Path, helper_bin, binary, kind
):
    """Two services with two workers each share only a copy of the keys.

    A registry accepts tokens of both, also while only one has rotated its keys. It
    refuses the tokens of a service with other keys.
    """
    site = registry(binary(), kind)
    stranger = KeyDirectory(str(tmp_path / "stranger"))
    stranger.create()
    with ExitStack() as stack:
        issuer = stack.enter_context(oidc_issuer.serving())
        services = []
        for number, one in enumerate((keys, keys, stranger)):
            copy = tmp_path / f"keys-{number}"
            shutil.copytree(one.path, copy)
            words = {"keys": copy, "kind": kind, "issuer": issuer.url}
            words |= {"service": registries.SERVICE, "audience": AUDIENCE}
            config = tmp_path / f"replica-{number}.toml"
            config.write_text(RULES.format(**words))
            arguments = ("--config", str(config), "--workers", "2")
            services.append(
                stack.enter_context(token_service.running(helper_bin, *arguments))
            )

        def answers() -> list[set[int]]:
            """Return, by service, the registry's statuses for four of its tokens."""
            shown = issuer.token()
            return [
                {
                    ask(site, "GET", "/v2/team/app/tags/list", f"Bearer {token}")[0]
                    for token in (token_of(service, shown) for _ in range(4))
                }
                for service in services
            ]

        # 404: the token is accepted, but the repository does not exist yet.
        assert answers() == [{404}, {404}, {401}]
        KeyDirectory(str(tmp_path / "keys-0")).rotate()
        assert answers() == [{404}, {404}, {401}]


def token_of(service: Service, shown: str) -> str:
    return service.get("repository:team/app:pull", token=shown).json()["token"]
