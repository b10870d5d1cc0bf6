"""kubectl applies the output of `dockcred render` to a real API server."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.program import BUSY_S, HOST
from support.real import program

from dockcred.testing.sandbox import Sandbox

Run = Callable[..., str]


@pytest.fixture
def run(api, cloud: Sandbox, helper_bin: Path) -> Run:
    """Run dockcred or kubectl, which must succeed; return what it prints."""
    kubectl = program("kubectl")
    programs = {"dockcred": str(helper_bin / "dockcred"), "kubectl": kubectl}
    environment = cloud.environment() | {"KUBECONFIG": api.kubeconfig()}

    def call(name: str, *arguments: str, stdin: str = "") -> str:
        done = subprocess.run(
            [programs[name], *arguments],
            input=stdin,
            env=environment,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


def test_a_secret_in_each_namespace(run: Run, namespaces: list[str]) -> None:
    where = [word for name in namespaces for word in ("--namespace", name)]
    text = run("dockcred", "render", "kubernetes-secret", "--registry", HOST, *where)
    for said in ("created", "unchanged"):
        applied = run("kubectl", "apply", "-f", "-", stdin=text)
        assert applied.count(said) == 2, applied
    for name in namespaces:
        there = run("kubectl", "-n", name, "get", "secret", "dockcred", "-o", "json")
        assert json.loads(there)["data"] == _of(text, name)["data"]
        run("dockcred", "check", "kubernetes-secret", "-", stdin=there)


def test_contrast_s_secret(run: Run) -> None:
    text = run("dockcred", "render", "contrast-secret", "--registry", HOST)
    run("kubectl", "apply", "--server-side", "-f", "-", stdin=text)
    name = json.loads(text)["metadata"]["name"]
    there = run("kubectl", "-n", "kube-system", "get", "secret", name, "-o", "json")
    assert json.loads(there)["data"] == json.loads(text)["data"]
    run("dockcred", "check", "contrast-secret", "-", stdin=there)


def _of(text: str, namespace: str) -> dict:
    (found,) = (
        item
        for item in json.loads(text)["items"]
        if item["metadata"]["namespace"] == namespace
    )
    return found
