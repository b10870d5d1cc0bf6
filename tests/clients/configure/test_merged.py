"""`dockcred configure kubelet --merge`: our provider in the cloud's own file."""

from __future__ import annotations

import pytest
from support.cloud_configs import AKS, CONFIGS, EKS

from .conftest import Person

OURS = "dockcred-credential-provider"
CALL = ("kubelet", "--registry", "ghcr.io", "--file")


def providers(text: str) -> list[dict]:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(text)["providers"]


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_ours_comes_last_and_all_else_stays(person: Person, text: str) -> None:
    path = person.write("config", "")
    path.write_bytes(text.encode())
    before = person.everything()
    person.configure(*CALL, str(path), "--merge")
    merged = path.read_bytes().decode()
    *theirs, ours = providers(merged)
    assert theirs == providers(text)
    assert (ours["name"], ours["matchImages"]) == (OURS, ["ghcr.io"])
    assert merged.count("\r\n") in {0, merged.count("\n")}
    at = merged.index('{"name": "dockcred')
    assert merged.startswith(text[: at - 20].rstrip()), "what was before is as it was"
    person.configure("kubelet", "--file", str(path), "--undo")
    assert person.everything() == before


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_a_second_call_changes_ours_alone(person: Person, text: str) -> None:
    path = person.write("config", text)
    person.configure(*CALL, str(path), "--merge")
    once = path.read_text()
    assert "says so already" in person.configure(*CALL, str(path), "--merge").stdout
    person.configure(
        "kubelet", "--registry", "b.example", "--file", str(path), "--merge"
    )
    assert path.read_text() == once.replace("ghcr.io", "b.example")


@pytest.mark.parametrize("text", CONFIGS.values(), ids=CONFIGS)
def test_what_others_write_after_us_stays_when_ours_is_taken_out(
    person: Person, text: str
) -> None:
    path = person.write("config", text)
    person.configure(*CALL, str(path), "--merge")
    changed = path.read_bytes().replace(b"defaultCacheDuration: 10m", b"# none")
    path.write_bytes(changed + b"\n")
    person.configure("kubelet", "--file", str(path), "--undo")
    left = text.encode().replace(b"defaultCacheDuration: 10m", b"# none")
    assert path.read_bytes() == left + b"\n"


def test_a_file_that_the_cloud_has_written_anew_is_left(person: Person) -> None:
    """nodeadm writes the file anew at each boot."""
    path = person.write("config.json", EKS)
    person.configure(*CALL, str(path), "--merge")
    anew = EKS.replace("12h", "6h")
    path.write_text(anew)
    done = person.configure("kubelet", "--file", str(path), "--undo")
    assert path.read_text() == anew
    assert "as it is" in done.stdout


def test_images_that_two_have_are_told(person: Person) -> None:
    path = person.write("config.json", EKS)
    call = ("kubelet", "--all", "--file", str(path), "--merge")
    done = person.configure(*call)
    assert "another provider has *.dkr.ecr.*.amazonaws.com, " in done.stderr
    assert "ghcr.io" not in done.stderr
    assert not person.configure(*call).stderr


@pytest.mark.parametrize(
    "text",
    ["", "{}", "providers: []\n", '{"providers": []}', "providers:\n", "kind: x\n"],
)
def test_a_file_without_providers_is_refused(person: Person, text: str) -> None:
    path = person.write("config", text)
    line = person.refused(*CALL, str(path), "--merge")
    assert "it has no list of providers" in line
    assert path.read_text() == text


def test_the_last_provider_is_not_taken_out(person: Person) -> None:
    """kubelet does not start without a provider."""
    path = person.write("config", AKS)
    person.configure(*CALL, str(path), "--merge")
    head, _, ours = path.read_text().partition("- name: acr")
    path.write_text(head + ours[ours.rindex("- {") :])
    assert "the only one left" in person.refused(
        "kubelet", "--file", str(path), "--undo"
    )


def test_merge_needs_a_file(person: Person) -> None:
    assert "no file is named" in person.refused("kubelet", "--all", "--merge")


def test_a_path_with_letters_that_the_pipe_has_not_is_no_traceback(
    person: Person,
) -> None:
    """On Windows a pipe has only the characters of one code page."""
    place = str(person.home / "你好")
    said = person.configure(
        *("docker", "--all", "--helper", "recorder"),
        DOCKER_CONFIG=place,
        PYTHONIOENCODING="cp1252:strict",
    )
    assert "\\u4f60\\u597d" in said.stdout
