"""Kubelet's own code finds the login that `dockcred render kubernetes-secret` wrote."""

from __future__ import annotations

import json

import pytest

from dockcred.clients import formats
from dockcred.clients.entries import Login
from dockcred.clients.formats import Options
from dockcred.credential import Credential

KEPT = {
    "docker.io": "hub",
    "docker.io/team": "hub-team",
    "ghcr.io": "github",
    "ghcr.io/team": "github-team",
    "registry.example:5000": "port",
}


@pytest.mark.parametrize(
    "image, user",
    [
        ("docker.io/library/alpine", "hub"),
        ("alpine", "hub"),
        ("docker.io/team/app", "hub-team"),
        ("ghcr.io/other/app", "github"),
        ("ghcr.io/team/app", "github-team"),
        ("registry.example:5000/app", "port"),
        ("registry.example/app", ""),
        ("x.ghcr.io/team/app", ""),
    ],
)
def test_kubelet_finds_the_login_of_an_image(kubelet, image: str, user: str) -> None:
    logins = [Login(registry, Credential(who, "p:w")) for registry, who in KEPT.items()]
    text = formats.render("kubernetes-secret", logins, Options(namespaces=("apps",)))
    answer = kubelet("secret", image, environment={}, stdin=text)
    if not user:
        assert (answer.status, answer.stderr) == (1, b"anonymous\n")
        return
    assert answer.status == 0, answer.stderr
    assert json.loads(answer.stdout) == {"username": user, "password": "p:w"}
