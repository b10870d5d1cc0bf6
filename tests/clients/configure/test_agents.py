"""`dockcred configure nomad` and `kubelet`."""

from __future__ import annotations

import importlib.util
import json

import pytest

from .conftest import Person

BLOCK = """\
plugin "docker" {
  config {
    auth {
      config = "%s"
    }
  }
}
"""


def test_nomad_gets_a_helper_per_host_and_the_block_on_stdout(person: Person) -> None:
    config = person.home / "nomad.json"
    hosts = ("--registry", "ghcr.io", "--registry", "docker.io")
    done = person.configure(
        "nomad", *hosts, "--helper", "recorder", "--config", str(config)
    )
    assert json.loads(config.read_text()) == {
        "credHelpers": {
            "ghcr.io": "recorder",
            "https://index.docker.io/v1/": "recorder",
        }
    }
    assert done.stdout == BLOCK % config
    assert done.stderr == f"wrote {config}\n"


def test_nomad_s_block_goes_to_a_file_of_its_own_and_comes_back(person: Person) -> None:
    agent = person.home / "nomad.d"
    agent.mkdir()
    before = person.everything()
    files = ("--config", str(person.home / "n.json"), "--agent-dir", str(agent))
    person.configure("nomad", "--registry", "ghcr.io", "--helper", "recorder", *files)
    written = agent / "dockcred.hcl"
    assert written.read_text() == BLOCK % (person.home / "n.json")
    # Nomad reads *.hcl and *.json of its directory, and nothing else.
    assert {p.name for p in agent.iterdir() if p.suffix in {".hcl", ".json"}} == {
        "dockcred.hcl"
    }
    person.configure("nomad", *files, "--undo")
    assert person.everything() == before


def test_nomad_s_block_is_hcl_that_names_the_file(person: Person) -> None:
    if not importlib.util.find_spec("hcl2"):
        pytest.skip("python-hcl2 is not installed")
    import hcl2

    config = str(person.home / "a file.json")
    call = ("nomad", "--registry", "ghcr.io", "--helper", "recorder", "--dry-run")
    done = person.configure(*call, "--config", config)
    (plugin,) = hcl2.loads(done.stdout)["plugin"]
    assert config in repr(plugin)


@pytest.mark.parametrize("name", ["a${b}.json", 'a"b.json', "%{c}.json", "é.json"])
def test_a_path_that_hcl_would_take_for_another_is_refused(
    person: Person, name: str
) -> None:
    call = ("nomad", "--registry", "ghcr.io", "--helper", "recorder")
    assert "HCL cannot name" in person.refused(*call, "--config", name)


@pytest.mark.parametrize(
    "name, text",
    [
        ("client.hcl", 'client {}\nplugin "docker" {\n  config {}\n}\n'),
        ("client.json", '{"plugin": [{\n"docker": [{"config": []}]}]}'),
    ],
)
def test_a_docker_block_that_is_there_already_is_not_put_out_of_force(
    person: Person, name: str, text: str
) -> None:
    """Nomad takes the config of the last one whole, and merges nothing."""
    theirs = person.write(f"nomad.d/{name}", text)
    before = person.everything()
    line = person.refused(
        "nomad", "--registry", "ghcr.io", "--helper", "recorder",
        "--config", str(person.home / "n.json"), "--agent-dir", str(theirs.parent),
    )  # fmt: skip
    assert str(theirs) in line
    assert 'auth { config = "' in line
    assert person.everything() == before


def test_nomad_has_no_helper_for_all(person: Person) -> None:
    done = person.run("dockcred", "configure", "nomad", "--all")
    assert done.returncode == 2
    assert "--all" in done.stderr


def test_kubelet_s_configuration_is_printed(person: Person) -> None:
    done = person.configure(
        "kubelet", "--registry", "*.example.com", "--registry", "r.example:5000/team"
    )
    assert done.stdout == (
        "apiVersion: kubelet.config.k8s.io/v1\n"
        "kind: CredentialProviderConfig\n"
        "providers:\n"
        "  - name: dockcred-credential-provider\n"
        "    apiVersion: credentialprovider.kubelet.k8s.io/v1\n"
        "    matchImages:\n"
        '      - "*.example.com"\n'
        '      - "r.example:5000/team"\n'
        '    defaultCacheDuration: "0s"\n'
    )


def test_kubelet_s_file_is_written_changed_and_taken_back(person: Person) -> None:
    path = person.home / "kubelet/dockcred.yaml"
    person.configure("kubelet", "--all", "--file", str(path))
    assert '"*.dkr.ecr.*.amazonaws.com"' in path.read_text()
    person.configure("kubelet", "--registry", "a.example", "--file", str(path))
    assert "amazonaws" not in path.read_text()
    person.configure("kubelet", "--file", str(path), "--undo")
    assert person.everything() == {}


def test_a_kubelet_s_file_of_others_is_left(person: Person) -> None:
    path = person.write("kubelet.yaml", "providers: [] # theirs\n")
    line = person.refused("kubelet", "--all", "--file", str(path))
    assert "not ours" in line
    assert path.read_text() == "providers: [] # theirs\n"


def test_a_kubelet_s_file_that_others_have_changed_stays(person: Person) -> None:
    path = person.home / "kubelet.yaml"
    person.configure("kubelet", "--all", "--file", str(path))
    path.write_text(path.read_text() + "# theirs\n")
    done = person.configure("kubelet", "--file", str(path), "--undo")
    assert done.stdout == f"left {path} as it is; others have changed it since\n"
    assert "changed since and stays" in done.stderr
    assert path.read_text().endswith("# theirs\n")


@pytest.mark.parametrize(
    "pattern", ["A.example", "a..example", "a.example:*", "a.example/*", 'a"b', ""]
)
def test_what_kubelet_would_not_match_is_refused(person: Person, pattern: str) -> None:
    assert "no pattern" in person.refused("kubelet", "--registry", pattern)


def test_yaml_says_what_was_meant(person: Person) -> None:
    if not importlib.util.find_spec("yaml"):
        pytest.skip("PyYAML is not installed")
    import yaml

    (provider,) = yaml.safe_load(person.configure("kubelet", "--all").stdout)[
        "providers"
    ]
    assert provider["defaultCacheDuration"] == "0s"
    assert provider["name"] == "dockcred-credential-provider"
    assert all(isinstance(image, str) for image in provider["matchImages"])
