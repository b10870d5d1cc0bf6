"""Pulls by kubelet and Nomad, with the variables of the unit that starts them."""

from __future__ import annotations

import json
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import Program

from dockcred.clients import kubelet, nomad
from dockcred.commands.doctor import service as services
from dockcred.errors import InvalidInputError
from dockcred.testing.sandbox import Sandbox

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
OTHER = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


class Node:
    """A node whose agents get variables from units, and a person who has none."""

    def __init__(self, path: Path, cloud: Sandbox, programs: Path) -> None:
        self.path = path
        self.programs = programs
        self.cloud = cloud.environment("env-keys") | {
            "DOCKCRED_CACHE": "off",
            "PATH": f"{programs}:/usr/bin:/bin",
        }

    def unit(self, name: str, *lines: str, words: str = "") -> Path:
        """Write a unit whose EnvironmentFile has the cloud's variables."""
        variables = self.path / "variables"
        text = "".join(f"{key}='{value}'\n" for key, value in self.cloud.items())
        variables.write_text(f"# of the agent\n{text}")
        unit = self.path / name
        body = [
            f"EnvironmentFile=-{variables}",
            f"ExecStart=/usr/bin/x {words}",
            *lines,
        ]
        unit.write_text("\n".join(["[Unit]", "User=no", "[Service]", *body, ""]))
        return unit

    def kubelet(self, *lines: str, patterns: tuple[str, ...] = (HOST,)) -> Path:
        """Write kubelet's configuration, and the unit that names it."""
        config = self.path / "providers.yaml"
        config.write_text(kubelet.config(patterns))
        words = (
            f"--image-credential-provider-config={config} \\\n"
            f" --image-credential-provider-bin-dir {self.programs}"
        )
        return self.unit("kubelet.service", *lines, words=words)

    def nomad(self, block: str, *lines: str) -> Path:
        """Write a docker plugin block, and the unit that names its directory."""
        agent = self.path / "nomad.d"
        agent.mkdir(exist_ok=True)
        (agent / nomad.PLUGIN_FILE).write_text(block)
        return self.unit("nomad.service", *lines, words=f"agent -config {agent}")

    def doctor(self, *words: str) -> dict:
        """Run the doctor as a person without a variable of a cloud."""
        program = Program(str(self.programs / "dockcred"))
        bare = {"PATH": "/usr/bin:/bin", "HOME": str(self.path)}
        answer = program("doctor", *words, "--json", environment=bare)
        assert b"Traceback" not in answer.stderr
        assert self.cloud["AWS_SECRET_ACCESS_KEY"].encode() not in answer.stdout
        found = json.loads(answer.stdout)
        assert found["status"] == answer.status
        return found


@pytest.fixture
def node(tmp_path: Path, cloud: Sandbox, helper_bin: Path) -> Node:
    return Node(tmp_path, cloud, helper_bin)


def texts(found: dict, severity: str) -> list[str]:
    return [f["text"] for f in found["findings"] if f["severity"] == severity]


def test_kubelet_asks_its_plugin_with_the_variables_of_its_unit(node: Node) -> None:
    unit = node.kubelet()
    found = node.doctor(HOST, "--client", "kubelet", "--service", str(unit))
    assert found["verdict"] == "works", found
    assert any(f"{HOST} = {kubelet.PROVIDER}" in text for text in texts(found, "fine"))
    without = node.doctor(HOST, "--client", "docker")
    assert without["verdict"] == "broken"


def test_an_image_that_no_pattern_has_is_pulled_anonymously(node: Node) -> None:
    unit = node.kubelet()
    asked = "--client", "kubelet", "--service", str(unit)
    found = node.doctor(OTHER, *asked)
    assert found["verdict"] == "broken"
    assert "no matchImages of" in texts(found, "error")[0]
    assert node.doctor("r.example", *asked)["verdict"] == "anonymous"


def in_a_directory(node: Node, **files: str) -> Path:
    """Make kubelet's unit name a directory with its file and these files."""
    unit = node.kubelet()
    directory = node.path / "providers"
    directory.mkdir()
    (node.path / "providers.yaml").rename(directory / "dockcred.yaml")
    for name, text in files.items():
        (directory / name.replace("_", ".")).write_text(text)
    unit.write_text(unit.read_text().replace("providers.yaml", "providers"))
    return unit


def test_a_directory_is_read_as_kubelet_reads_it(node: Node) -> None:
    """Since Kubernetes 1.34 it reads a directory's files with certain endings."""
    unit = in_a_directory(node, aws_json="{}", notes_txt="no configuration")
    (node.path / "providers/aws.json").rename(node.path / "providers/aws.json.old")
    found = node.doctor(HOST, "--client", "kubelet", "--service", str(unit))
    assert found["verdict"] == "works", found


@pytest.mark.parametrize("is_there", [True, False])
def test_in_a_directory_the_remedy_names_our_file(is_there: bool, node: Node) -> None:
    """Not the cloud's own file there. Our file is made if it is missing."""
    theirs = kubelet.config(["r.example"]).replace("dockcred-", "other-")
    unit = in_a_directory(node, z_yaml=theirs)
    if not is_there:
        (node.path / "providers/dockcred.yaml").unlink()
    found = node.doctor(OTHER, "--client", "kubelet", "--service", str(unit))
    (told,) = (f for f in found["findings"] if f["severity"] == "error")
    assert f"no matchImages of {node.path}/providers has {OTHER}" in told["text"]
    assert f"--file {node.path}/providers/dockcred.yaml --registry" in told["remedy"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (kubelet.config(["r.example"]), "another file names the provider"),
        ("{}", "it is no CredentialProviderConfig"),
    ],
)
def test_a_file_of_a_directory_that_stops_kubelet_is_told(
    text: str, said: str, node: Node
) -> None:
    unit = in_a_directory(node, other_yml=text)
    found = node.doctor(HOST, "--client", "kubelet", "--service", str(unit))
    assert found["verdict"] == "broken"
    (told,) = texts(found, "error")
    assert f"providers/other.yml: {said}" in told
    assert told.endswith("kubelet does not start")


def test_a_directory_without_a_file_of_kubelet_s_is_told(node: Node) -> None:
    unit = in_a_directory(node)
    (node.path / "providers/dockcred.yaml").unlink()
    found = node.doctor(HOST, "--client", "kubelet", "--service", str(unit))
    (told,) = texts(found, "error")
    assert f"{node.path}/providers: no *.json" in told


def test_a_plugin_that_is_not_there_is_told_with_its_remedy(node: Node) -> None:
    unit = node.kubelet()
    text = unit.read_text().replace(str(node.programs), str(node.path))
    unit.write_text(text)
    found = node.doctor(HOST, "--client", "kubelet", "--service", str(unit))
    assert found["verdict"] == "broken"
    (told,) = (f for f in found["findings"] if f["severity"] == "error")
    assert f"{node.path}/{kubelet.PROVIDER} cannot be run" in told["text"]
    assert told["fix"].startswith("dockcred install --dir")


def test_a_plugin_that_fails_says_why(node: Node) -> None:
    node.cloud |= {"AWS_SECRET_ACCESS_KEY": "wrong" * 8}
    unit = node.kubelet()
    found = node.doctor(HOST, "--client", "kubelet", "--service", str(unit))
    assert found["verdict"] == "broken"
    assert f"{kubelet.PROVIDER} fails: " in texts(found, "error")[0]


def test_kubelet_that_is_told_of_no_plugin_asks_nobody(node: Node) -> None:
    unit = node.unit("kubelet.service")
    found = node.doctor(HOST, "--client", "kubelet", "--service", str(unit))
    assert found["verdict"] == "broken"
    assert "--image-credential-provider-config" in texts(found, "error")[0]


def test_flags_in_a_variable_are_kubelets_too(node: Node) -> None:
    """Nodes made by kubeadm have them in KUBELET_EXTRA_ARGS."""
    unit = node.kubelet()
    words = " ".join(services.service(str(unit)).words[1:])
    unit = node.unit("kubelet.service", f"Environment='KUBELET_EXTRA_ARGS={words}'")
    found = node.doctor(HOST, "--client", "kubelet", "--service", str(unit))
    assert found["verdict"] == "works", found


def test_nomad_asks_the_helper_of_the_host(node: Node) -> None:
    config = node.path / "docker.json"
    config.write_text(json.dumps({"credHelpers": {HOST: "ecr-login"}}))
    unit = node.nomad(nomad.plugin_block(str(config)))
    asked = "--client", "nomad", "--service", str(unit)
    assert node.doctor(HOST, *asked)["verdict"] == "works"
    assert node.doctor(OTHER, *asked)["verdict"] == "broken"
    assert node.doctor("r.example", *asked)["verdict"] == "anonymous"


FOR_ALL = 'plugin "docker" {\n config {\n auth {\n helper = "auto"\n}\n}\n}\n'


@pytest.mark.parametrize(
    ("on_miss", "verdict"), [("", "broken"), ("empty", "anonymous")]
)
def test_a_miss_of_a_helper_for_all_fails_nomads_task(
    node: Node, on_miss: str, verdict: str
) -> None:
    node.cloud |= {"DOCKCRED_STORE": "helper:none", "DOCKCRED_ON_MISS": on_miss}
    helper = node.path / "docker-credential-none"
    helper.write_text(
        "#!/bin/sh\necho credentials not found in native keychain; exit 1\n"
    )
    helper.chmod(0o755)
    node.cloud["PATH"] = f"{node.programs}:{node.path}:/usr/bin:/bin"
    unit = node.nomad(FOR_ALL)
    asked = "--client", "nomad", "--service", str(unit)
    assert node.doctor("r.example", *asked)["verdict"] == verdict
    assert node.doctor(HOST, *asked)["verdict"] == "works"


def test_any_client_is_asked_as_a_unit(node: Node) -> None:
    (node.path / "config.json").write_text('{"credsStore": "ecr-login"}')
    unit = node.unit("ci.service", f'Environment="DOCKER_CONFIG={node.path}" A=b')
    asked = "--client", "docker", "--service", str(unit)
    assert node.doctor(HOST, *asked)["verdict"] == "works"


def test_a_drop_in_comes_after_its_unit_and_an_empty_value_clears(
    tmp_path: Path,
) -> None:
    unit = tmp_path / "x.service"
    unit.write_text(
        "[Service]\nEnvironment=A=1 'B=two words'\nExecStart=/x -config /a\n"
    )
    (tmp_path / "x.service.d").mkdir()
    drop_in = tmp_path / "x.service.d/10.conf"
    drop_in.write_text(
        "[Service]\nEnvironment=A=2\nExecStart=\nExecStart=/x -config=/b\n"
    )
    (tmp_path / "x.service.d/20.conf").write_text("[Install]\nUser=nobody\n")
    found = services.service(str(unit))
    assert found.variables == {"A": "2", "B": "two words"}
    assert found.option("config") == "/b"
    assert found.user == ""
    drop_in.write_text("[Service]\nEnvironment=\nUser=nobody\n")
    found = services.service(str(unit))
    assert (found.variables, found.option("config")) == ({}, "/a")
    assert found.environment().get("HOME") == pwd.getpwnam("nobody").pw_dir
    assert services.service(str(tmp_path / "gone.service")) is None


def test_a_units_user_who_is_nobody_here_is_told(tmp_path: Path, helper_bin) -> None:
    unit = tmp_path / "x.service"
    unit.write_text("[Service]\nUser=no-such-person\n")
    with pytest.raises(InvalidInputError, match="no-such-person"):
        services.service(str(unit)).environment()
    program = Program(str(helper_bin / "dockcred"))
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    for words in (("--service", str(unit)), ("--service", "no-such-unit")):
        answer = program("doctor", HOST, *words, environment=bare)
        assert answer.status == 1
        assert b"no-such-" in answer.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")
def test_root_becomes_the_units_user(tmp_path: Path) -> None:
    unit = tmp_path / "x.service"
    unit.write_text("[Service]\nUser=nobody\n")
    child = os.fork()
    if child == 0:
        try:
            told = services.service(str(unit)).become()
            os._exit(
                0 if not told and os.geteuid() == pwd.getpwnam("nobody").pw_uid else 1
            )
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0


PATTERNS = [
    ("*.dkr.ecr.*.amazonaws.com", HOST, True),
    ("*.dkr.ecr.*.amazonaws.com", f"{HOST}/team/app", True),
    ("*.amazonaws.com", HOST, False),
    ("123456789012.dkr", HOST, False),
    (f"{HOST}/team", f"{HOST}/team/app", True),
    (f"{HOST}/team", f"{HOST}/other", False),
    ("r.example", "r.example:5000/app", False),
    ("r.example:5000", "r.example:5000/app", True),
]


@pytest.mark.parametrize(("pattern", "image", "is_one"), PATTERNS)
def test_kubelets_patterns_match_label_by_label(pattern, image, is_one) -> None:
    assert kubelet.matches(pattern, image) == is_one
