"""The shipped contract, over every provider."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dockcred import registry_table
from dockcred.environment import Environment
from dockcred.testing.provider_contract import BEHAVIOURS, Subject
from dockcred.testing.sandbox import Sandbox

# Hosts of its own, who is nobody and who is somebody in the sandbox.
SUBJECTS = {
    "ecr": (
        (
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr-ecr.us-east-1.on.aws",
            "public.ecr.aws",
        ),
        "nothing",
        "env-keys",
    ),
    "acr": (
        ("sandbox.azurecr.io", "sandbox.azurecr.cn"),
        "azure-nothing",
        "azure-client-secret",
    ),
    "google": (
        ("gcr.io", "eu.gcr.io", "europe-west1-docker.pkg.dev"),
        "google-nobody",
        "google-metadata",
    ),
    "github": (
        ("ghcr.io", "docker.pkg.github.com"),
        "github-nobody",
        "github-gh-token",
    ),
    "oidc": (
        ("registry.example.com", "registry.example.org"),
        "ci-nobody",
        "ci-github",
    ),
}


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as sandbox:
        yield sandbox


def test_every_provider_has_a_subject() -> None:
    assert set(SUBJECTS) == set(registry_table.PROVIDERS)


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.__name__)
def test_every_provider_keeps_the_contract(behaviour, name, cloud) -> None:
    hosts, nobody, somebody = SUBJECTS[name]
    behaviour(
        Subject(
            lambda: registry_table.provider(name, *hosts),
            hosts,
            Environment(cloud.environment(nobody)),
            Environment(cloud.environment(somebody)),
        )
    )
