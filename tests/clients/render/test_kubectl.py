"""What `render` writes equals what kubectl makes."""

from __future__ import annotations

import base64
import json
import subprocess

import pytest
from support.program import BUSY_S
from support.real import program

from dockcred.clients import formats
from dockcred.clients.formats import Options

from .logins import SECRET, USER, login


@pytest.mark.parametrize("registry", ["ghcr.io", "docker.io", "r.example:5000"])
def test_the_secret_is_the_one_of_kubectl_create(registry: str) -> None:
    kubectl = program("kubectl")
    hub = "https://index.docker.io/v1/"
    done = subprocess.run(
        [
            *(kubectl, "create", "secret", "docker-registry", "regcred"),
            *("--namespace", "apps", "--dry-run=client", "-o", "json"),
            f"--docker-server={hub if registry == 'docker.io' else registry}",
            *(f"--docker-username={USER}", f"--docker-password={SECRET}"),
        ],
        capture_output=True,
        timeout=BUSY_S,
        check=True,
    )
    theirs = json.loads(done.stdout)
    options = Options(name="regcred", namespaces=("apps",))
    ours = json.loads(formats.render("kubernetes-secret", [login(registry)], options))
    theirs["metadata"].pop("creationTimestamp", None)
    key = ".dockerconfigjson"
    payloads = [base64.b64decode(found["data"][key]) for found in (ours, theirs)]
    assert payloads[0] == payloads[1]
    assert ours == theirs
