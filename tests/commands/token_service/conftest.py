"""Fixtures: an issuer, and the installed token service that trusts it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import oidc_issuer, token_service
from support.oidc_issuer import AUDIENCE, Issuer
from support.token_service import Service

CONFIG = """
service = "registry.example.com"
keys = "{keys}"

[issuers.github]
url = "{url}"
audience = "{audience}"
kind = "github"

[[rules]]
issuer = "github"
claims = {{ repository_id = "17", event_name = "push", ref = "refs/heads/*" }}
repositories = ["team/app", "team/tools/*"]
actions = ["pull", "push"]

[[rules]]
issuer = "github"
claims = {{ repository_owner_id = "9919" }}
repositories = ["team/**", "host.example.com:5000/team/app"]
actions = ["pull"]

[[rules]]
anonymous = true
repositories = ["public/*"]
actions = ["pull"]
"""


@pytest.fixture(scope="session")
def issuer() -> Iterator[Issuer]:
    with oidc_issuer.serving() as issuer:
        yield issuer


@pytest.fixture(scope="session")
def service(
    issuer: Issuer, helper_bin: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """The token service that most tests share."""
    place = tmp_path_factory.mktemp("token-service")
    config = place / "config.toml"
    config.write_text(
        CONFIG.format(keys=place / "keys", url=issuer.url, audience=AUDIENCE)
    )
    with token_service.running(helper_bin, "--config", str(config)) as service:
        yield service


Start = Callable[..., Service]


@pytest.fixture
def start(helper_bin: Path) -> Iterator[Start]:
    """Return a function that starts another token service with these arguments."""
    with ExitStack() as stack:

        def started(*arguments: str, **options) -> Service:
            return stack.enter_context(
                token_service.running(helper_bin, *arguments, **options)
            )

        yield started
