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
    # Nomad reads only *.hcl and *.json in its directory.
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


NOMAD = ("nomad", "--registry", "ghcr.io", "--helper", "recorder")


@pytest.mark.parametrize(
    "name, text",
    [
        ("client.hcl", 'client {}\nplugin "docker" {\n  config {}\n}\n'),
        ("client.json", '{"plugin": [{\n"docker": [{"config": []}]}]}'),
        ("client.hcl", 'plugin docker { config { auth { helper = "auto" } } }'),
        ("client.hcl", 'plugin "docker" {\n  config {\n # auth { config = "/x" }\n}}'),
        ("client.hcl", 'plugin "docker" { config { auth { config = "x.json" } } }'),
    ],
)
def test_a_docker_block_that_is_there_already_is_not_put_out_of_force(
    person: Person, name: str, text: str
) -> None:
    """Nomad uses only the last block's config, and merges nothing.

    The file that the remedy names is written, for a person who follows the remedy.
    """
    theirs = person.write(f"nomad.d/{name}", text)
    config = person.home / "n.json"
    files = ("--config", str(config), "--agent-dir", str(theirs.parent))
    done = person.run("dockcred", "configure", *NOMAD, *files)
    assert done.returncode == 1
    assert str(theirs) in done.stderr
    assert f'auth {{ config = "{config}" }}' in done.stderr
    assert "credHelpers" in config.read_text()
    assert theirs.read_text() == text
    assert [path.name for path in theirs.parent.iterdir()] == [name]


@pytest.mark.parametrize(
    "name, text",
    [
        (
            "client.hcl",
            """client { enabled = true }
# plugin "docker" { config { auth { config = "/commented/out.json" } } }
plugin "docker" {
  config {
    volumes { enabled = true }
    extra_labels = ["}", "job_name"]
    auth {
      helper = "auto"
      config = "CONFIG"
    }
    # auth { config = "out.json" }
    /* auth {
      config = "out.json"
    } */
  }
}
plugin "raw_exec" { config { enabled = true } }
""",
        ),
        (
            "client.json",
            '{"plugin": [{"docker": [{"config": [{"auth": [{"config": "CONFIG"}]}]}]}]}',
        ),
        (
            "client.json",
            '{"plugin": {"docker": {"config": {"auth": {"config": "CONFIG"}}}}}',
        ),
    ],
)
def test_the_file_that_an_agent_s_own_block_names_is_written(
    person: Person, name: str, text: str
) -> None:
    theirs = person.write(
        f"nomad.d/{name}", text.replace("CONFIG", str(person.home / "theirs.json"))
    )
    person.write("theirs.json", '{\n  "auths": {}\n}\n')
    before = person.everything()
    files = ("--config", str(person.home / "n.json"), "--agent-dir", str(theirs.parent))
    done = person.configure(*NOMAD, *files)
    assert f"{theirs} names it already" in done.stdout
    assert json.loads((person.home / "theirs.json").read_text()) == {
        "auths": {},
        "credHelpers": {"ghcr.io": "recorder"},
    }
    assert not (person.home / "n.json").exists()
    assert [path.name for path in theirs.parent.iterdir()] == [name]
    person.configure("nomad", *files, "--undo")
    assert person.everything() == before


def test_of_several_blocks_the_last_file_s_is_in_force(person: Person) -> None:
    for name in ("a", "b"):
        block = BLOCK % (person.home / f"{name}.json")
        person.write(f"nomad.d/{name}.hcl", block)
    agent = str(person.home / "nomad.d")
    config = ("--config", str(person.home / "n.json"))
    person.configure(*NOMAD, *config, "--agent-dir", agent)
    assert "ghcr.io" in (person.home / "b.json").read_text()
    assert not (person.home / "a.json").exists()


def test_a_block_that_came_after_ours_is_told(person: Person) -> None:
    agent = person.home / "nomad.d"
    agent.mkdir()
    files = ("--config", str(person.home / "n.json"), "--agent-dir", str(agent))
    person.configure(*NOMAD, *files)
    person.write("nomad.d/client.hcl", BLOCK % "/elsewhere.json")
    line = person.refused(*NOMAD, *files)
    assert "beside ours" in line
    assert "--undo" in line


def test_no_advice_appends_a_block_to_an_agent_s_file(person: Person) -> None:
    """A second block in one file would replace the first one."""
    assert ">>" not in person.run("dockcred", "configure", "nomad", "--help").stdout


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
