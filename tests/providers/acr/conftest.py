"""Fixtures: a sandbox of Azure, and gets of docker-credential-acr-login against it."""

from __future__ import annotations

import json

import pytest
from support.program import with_system_path

HOST = "contoso.azurecr.io"


@pytest.fixture
def get(acr):
    """Get the credential of a registry, HOST by default, under these variables."""

    def ask(environment, host=HOST, **options):
        return acr.get(with_system_path(environment), host, **options)

    return ask


@pytest.fixture
def minted(cloud):
    """Tell what an answer's password stands for; its user is the one of tokens."""

    def look(answer):
        assert answer.status == 0, (answer.stdout, answer.stderr)
        fields = json.loads(answer.stdout)
        assert fields["Username"] == "00000000-0000-0000-0000-000000000000"
        assert answer.stderr == b""
        return cloud.minted(fields["Secret"])

    return look
