"""The promises of docs/policy.md and docs/python.md are true."""

from __future__ import annotations

import itertools
import re
import tomllib

import pytest
from support.documents import ROOT

import dockcred

PAGE = (ROOT / "docs/policy.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
# Extras without a cloud's SDK, or with all other extras.
OTHERS = {"all", "sandbox", "token-service"}
BOUND = re.compile(r"(?P<name>[\w-]+)(\[\w+\])?>=(?P<version>[\d.]+)")


def test_the_pythons_are_those_that_the_package_names() -> None:
    named = re.findall(r"\*\*Python\*\* (.+)", PAGE)[0]
    first = PROJECT["requires-python"].removeprefix(">=")
    assert named.startswith(first)
    for classifier in PROJECT["classifiers"]:
        if found := re.search(r"Python :: (3\.\d+)", classifier):
            assert found[1] in named


@pytest.mark.parametrize("extra", sorted(PROJECT["optional-dependencies"]))
def test_an_sdk_is_told_with_the_oldest_version_that_is_taken(extra: str) -> None:
    if extra in OTHERS:
        assert f"| `{extra}` |" not in PAGE
        return
    needs = map(BOUND.fullmatch, PROJECT["optional-dependencies"][extra])
    told = ", ".join(f"{need['name']} {need['version']}" for need in needs)
    assert f"| `{extra}` | {told} |" in PAGE


def test_what_the_matrix_ran_is_of_today_s_bounds_and_all_of_it_passed() -> None:
    """Run .ci/matrix.py again after raising a bound."""
    _, _, told = PAGE.partition("`.ci/matrix.py` ran on ")
    told, _, _ = told.partition("\n**Clients.**")
    results = re.findall(r"^\| (3\.\d+)\.\d+ \| (.+) \|$", told, re.MULTILINE)
    assert [version for version, _ in results] == ["3.11", "3.12", "3.13", "3.14"]
    for _, said in results:
        assert re.fullmatch(
            r"\d+ passed(, 1 skipped)? \| \d+ passed(, 1 skipped)?", said
        )
    needs = [*PROJECT["dependencies"], *itertools.chain(*EXTRAS.values())]
    bounds = [found for need in needs if (found := BOUND.match(need))]
    for name, oldest in re.findall(r"^\| ([\w-]+) \| ([\d.]+) \|", told, re.MULTILINE):
        versions = [each["version"] for each in bounds if each["name"] == name]
        highest = max(versions, key=lambda text: [*map(int, text.split("."))])
        assert f"{oldest}.".startswith(f"{highest}."), name


@pytest.mark.parametrize(
    ("client", "file", "module"),
    [
        ("kubelet", "tests/commands/refresh/apiserver/go.mod", "k8s.io/kubernetes"),
        ("Nomad", "tests/real/nomad/go.mod", "github.com/hashicorp/nomad"),
    ],
)
def test_a_client_is_told_with_the_version_that_is_built(client, file, module) -> None:
    built = re.search(rf"\b{module} v(\d+\.\d+)\.", (ROOT / file).read_text())
    assert built
    assert f"| {client} | {built[1]} |" in PAGE


def test_the_page_of_python_has_each_public_name_and_no_other() -> None:
    page = (ROOT / "docs/python.md").read_text(encoding="utf-8")
    heads = re.findall(r"^## `(.+)`$", page, re.MULTILINE)
    assert set(heads) == {*dockcred.__all__, "dockcred.errors"}
    for name in dockcred.__all__:
        assert f"`{name}`" in PAGE or f"`dockcred.{name}`" in PAGE


def test_what_is_older_is_not_said_to_be_mended_in_one_place_only() -> None:
    """The policy and SECURITY.md say the same."""
    assert "Older ones get none." in PAGE
    assert "older ones do not" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
