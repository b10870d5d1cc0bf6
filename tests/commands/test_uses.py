"""What `status` says of helm, kubelet and Nomad for a registry."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from support.program import HOST, Program, wait_until
from support.real import missing

from dockcred.clients import kubelet, nomad
from dockcred.clients.reference import Reference
from dockcred.commands.doctor import service
from dockcred.commands.shape import ClientUse
from dockcred.commands.uses import ClientsHere
from dockcred.system.environment import Environment

OTHER = "registry.example.com"
LOGIN = {"auths": {OTHER: {"auth": "bWU6c2VjcmV0"}}}


class Node:
    """A home, and a machine with its own directory of systemd units."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.variables = {"HOME": str(path), "PATH": str(path / "bin")}
        (path / "bin").mkdir()
        (path / "units").mkdir()

    def clients(self) -> ClientsHere:
        return ClientsHere(Environment(self.variables))

    def of_machine(self, host: str) -> list[ClientUse]:
        return list(self.clients().of_machine(Reference(host)))

    def of_helm(self, host: str) -> list[ClientUse]:
        found = self.clients().of_people(Reference(host))
        return [use for use in found if use.client == "helm"]

    def executable(self, name: str) -> None:
        file = self.path / "bin" / name
        file.write_text("#!/bin/sh\n")
        file.chmod(0o755)

    def unit(self, name: str, words: str, *lines: str) -> None:
        text = "\n".join(("[Service]", f"ExecStart=/usr/bin/{words}", *lines))
        (self.path / "units" / f"{name}.service").write_text(text)

    def runs_kubelet(self, text: str) -> Path:
        config = self.path / "providers.yaml"
        config.write_text(text)
        flags = f"--{service.CONFIG_FLAG}={config} --{service.BIN_FLAG} {self.path}/bin"
        self.unit("kubelet", f"kubelet {flags}")
        return config

    def runs_nomad(self, block: str, *lines: str) -> Path:
        directory = self.path / "nomad.d"
        directory.mkdir()
        (directory / nomad.PLUGIN_FILE).write_text(block)
        self.unit("nomad", f"nomad agent -config {directory}", *lines)
        return directory / nomad.PLUGIN_FILE


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setattr(service, "_UNITS", (str(tmp_path / "units"),))
    monkeypatch.setattr(service, "_PROVIDERS", str(tmp_path / "none"))
    monkeypatch.setattr(service, "_NOMAD", str(tmp_path / "none"))
    # Another test's kubelet may be running at this time.
    monkeypatch.setattr(service, "_processes", list)
    return Node(tmp_path)


@pytest.mark.parametrize("is_there", [True, False])
def test_kubelet_s_plugin_is_named_by_its_pattern(node: Node, is_there: bool) -> None:
    config = node.runs_kubelet(kubelet.config(["*.dkr.ecr.*.amazonaws.com"]))
    if is_there:
        node.executable(kubelet.PROVIDER)
    (use,) = node.of_machine(HOST)
    assert use.client == "kubelet"
    assert (use.file, use.helper) == (str(config), kubelet.PROVIDER)
    assert use.key == "matchImages *.dkr.ecr.*.amazonaws.com"
    assert (use.is_ours, use.is_installed) == (True, is_there)
    assert node.of_machine(OTHER) == []


def test_a_directory_of_kubelet_s_is_read(node: Node) -> None:
    config = node.runs_kubelet(kubelet.config([OTHER]))
    text = config.read_text()
    config.unlink()
    config.mkdir()
    (config / "a.yaml").write_text(text)
    (config / "b.yml").write_text(kubelet.config([HOST]).replace("dockcred-", "other-"))
    (use,) = node.of_machine(HOST)
    assert (use.file, use.is_ours) == (f"{config}/b.yml", False)


def test_a_kubelet_that_no_unit_starts_is_looked_at(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A copy of sh named kubelet: only its process's arguments count."""
    if os.geteuid() != 0:
        missing("only root looks at root's processes")
    host = "of-a-process.example.com"  # other tests' status sees this kubelet too
    config = node.runs_kubelet(kubelet.config([host]))
    (node.path / "units/kubelet.service").unlink()
    assert node.of_machine(host) == []
    program = node.path / "kubelet"
    shutil.copy("/bin/sh", program)
    flags = f"--{service.CONFIG_FLAG}={config}", f"--{service.BIN_FLAG}={node.path}/bin"
    with subprocess.Popen(
        [program, "-c", "read wait", *flags],
        stdin=subprocess.PIPE,
    ) as process:
        monkeypatch.setattr(service, "_processes", lambda: [str(process.pid)])
        try:
            (use,) = wait_until(lambda: node.of_machine(host))
        finally:
            process.kill()
    assert use.file == str(config)


def test_a_plugin_of_others_is_not_ours(node: Node) -> None:
    text = kubelet.config([HOST]).replace(kubelet.PROVIDER, "ecr-credential-provider")
    node.runs_kubelet(text)
    (use,) = node.of_machine(HOST)
    assert (use.helper, use.is_ours) == ("ecr-credential-provider", False)


@pytest.mark.parametrize("text", ["", "{}", "providers: [", '{"providers": [{}]}'])
def test_a_file_with_which_kubelet_does_not_start_names_nobody(
    node: Node, text: str
) -> None:
    node.runs_kubelet(text)
    assert node.of_machine(HOST) == []


def test_nomad_s_file_and_its_helper_for_all_are_named(node: Node) -> None:
    config = node.path / "config.json"
    config.write_text(json.dumps({"credHelpers": {HOST: "ecr-login"}} | LOGIN))
    block = f'auth {{\n config = "{config}"\n helper = "auto"\n}}'
    file = node.runs_nomad(
        f'plugin "docker" {{\n config {{\n{block}\n}}\n}}\n',
        f"Environment=PATH={node.path}/bin",
    )
    node.executable("docker-credential-ecr-login")
    (use,) = node.of_machine(HOST)
    assert (use.client, use.file) == ("nomad", str(config))
    assert (use.helper, use.is_installed) == ("docker-credential-ecr-login", True)
    (use,) = node.of_machine(OTHER)
    assert (use.user, use.helper) == ("me", "")
    (use,) = node.of_machine("quay.io")
    assert (use.file, use.key) == (str(file), nomad.FOR_ALL)
    # It is not in the folder that the unit's PATH names.
    assert (use.helper, use.is_installed) == ("docker-credential-auto", False)


def test_a_machine_without_agents_names_none(node: Node) -> None:
    assert node.of_machine(HOST) == []


def test_helm_is_named_where_it_is_here(node: Node) -> None:
    docker = node.path / ".docker/config.json"
    docker.parent.mkdir()
    docker.write_text(json.dumps(LOGIN))
    assert node.of_helm(OTHER) == []
    node.executable("helm")
    (use,) = node.of_helm(OTHER)
    assert (use.file, use.user) == (str(docker), "me")
    own = node.path / "own.json"
    own.write_text(json.dumps({"credHelpers": {OTHER: "auto"}}))
    node.variables["HELM_REGISTRY_CONFIG"] = str(own)
    (use,) = node.of_helm(OTHER)
    assert (use.file, use.helper) == (str(own), "docker-credential-auto")


def test_a_file_at_which_helm_stops_takes_nothing_from_the_rest(node: Node) -> None:
    own = node.path / "own.json"
    own.write_text("[]")
    node.variables["HELM_REGISTRY_CONFIG"] = str(own)
    assert node.of_helm(OTHER) == []


def test_status_prints_helm_s_line(helper_bin: Path, tmp_path: Path) -> None:
    own = tmp_path / "own.json"
    own.write_text(json.dumps({"credHelpers": {"registry.example.com": "gone"}}))
    variables = {"HOME": str(tmp_path), "HELM_REGISTRY_CONFIG": str(own)}
    told = Program(str(helper_bin / "dockcred"))(
        "status", "registry.example.com", environment=variables
    )
    assert b"helm: docker-credential-gone, which is not on PATH" in told.stdout
