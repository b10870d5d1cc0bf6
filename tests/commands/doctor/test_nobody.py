"""Whole runs without a usable identity: `doctor` and `get` say why, and what helps.

The identity is useless, or there is none, or the host belongs to no cloud.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.program import BUSY_S

from dockcred.testing.sandbox import Sandbox

Ran = subprocess.CompletedProcess[str]
Run = Callable[..., Ran]
ACCOUNT = "123456789012"
AZURE, GOOGLE, GITHUB = "acmecorp.azurecr.io", "europe-west1-docker.pkg.dev", "ghcr.io"
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "s3cr3t"}
PAGE = "https://github.com/settings/tokens/new?scopes=read:packages"
CLASSIC = f"set GH_TOKEN to a classic token with the scope read:packages: {PAGE}"


@pytest.fixture(scope="module")
def cloud() -> Iterator[Sandbox]:
    with Sandbox(tls=True) as sandbox:
        yield sandbox


@pytest.fixture
def run(helper_bin: Path, tmp_path: Path) -> Run:
    """Return a function that runs `dockcred`; docker's credsStore is our helper."""

    def call(variables: dict[str, str], *argv: str) -> Ran:
        home = {"HOME": str(tmp_path)} | {
            n: v for n, v in variables.items() if n == "HOME"
        }
        file = Path(home["HOME"]) / ".docker/config.json"
        file.parent.mkdir(exist_ok=True)
        file.write_text('{"credsStore": "auto"}')
        file.chmod(0o600)
        return subprocess.run(
            [helper_bin / "dockcred", *argv],
            env={**variables, **home, "PATH": f"{helper_bin}:/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=False,
        )

    return call


def problems(ran: Ran) -> dict[str, str]:
    """Return the remedy of each problem that docker has, by the problem's text."""
    found = json.loads(ran.stdout)
    assert found["status"] == ran.returncode
    return {
        each["text"]: each["remedy"]
        for each in found["findings"]
        if each["severity"] in {"warning", "error"} and each["client"] == "docker"
    }


USELESS = {
    "github-invalid-token": ("GH_TOKEN is invalid, expired or revoked", CLASSIC),
    "github-narrow-token": ("GH_TOKEN lacks the scope read:packages", CLASSIC),
}
ABSENT = {
    "github-nobody": (
        *(GITHUB, "no GitHub identity was found for github.com"),
        "run: gh auth login --hostname github.com --scopes read:packages",
    ),
    "azure-nothing": (AZURE, "no Azure identity was found", "log in (az login)"),
    "google-nobody": (
        *(GOOGLE, "no Google identity was found"),
        "run: gcloud auth application-default login",
    ),
}
CASES = {name: (GITHUB, *words) for name, words in USELESS.items()} | ABSENT


@pytest.mark.parametrize("name", CASES)
def test_doctor_and_get_say_why_and_what_helps(name, cloud, run) -> None:
    host, cause, remedy = CASES[name]
    variables = cloud.environment(name)
    ran = run(variables, "doctor", host, "--client", "docker", "--json")
    verdict = "broken" if name in USELESS else "anonymous"
    assert json.loads(ran.stdout)["verdict"] == verdict
    assert ran.returncode == (name in USELESS)
    ((text, told),) = problems(ran).items()
    assert cause in text
    assert told.startswith(remedy)
    got = run(variables, "get", host)
    assert (got.returncode, got.stdout) == (1, "")
    assert cause in got.stderr
    assert remedy in got.stderr
    said = ran.stdout + ran.stderr + got.stderr
    assert "GH_TOKEN" not in variables or variables["GH_TOKEN"] not in said


def test_the_verdict_comes_first(cloud, run) -> None:
    ran = run(cloud.environment("github-narrow-token"), "doctor", GITHUB)
    first = ran.stdout.partition("\n\n")[0].partition("\n!")[0]
    said = " ".join(first.split())
    assert said.startswith("\u2717 broken: ")
    assert USELESS["github-narrow-token"][0] in said
    assert said.endswith(CLASSIC)
    assert "in order" not in ran.stdout
    assert "\u2713 identity" not in ran.stdout  # it has given no credential


@pytest.mark.parametrize("host", ["gcr.io", "eu.gcr.io"])
def test_so_it_is_for_googles_other_hosts(host, cloud, run) -> None:
    variables = cloud.environment("google-nobody")
    ran = run(variables, "doctor", host, "--client", "docker", "--json")
    assert ran.returncode == 0
    assert json.loads(ran.stdout)["verdict"] == "anonymous"
    ((text, remedy),) = problems(ran).items()
    assert "no Google identity was found" in text
    assert remedy == "run: gcloud auth application-default login"


@pytest.mark.parametrize("name", USELESS)
def test_a_token_of_no_use_is_told_for_a_repository_too(name, cloud, run) -> None:
    """Even if the repository is public, the token is still useless."""
    variables = cloud.environment(name)
    ran = run(variables, "doctor", f"{GITHUB}/acme/app", "--client", "docker", "--json")
    assert ran.returncode == 1
    cause, remedy = USELESS[name]
    assert any(cause in text and told == remedy for text, told in problems(ran).items())


def test_whoever_is_logged_in_with_gh_is_told_ghs_command(cloud, run, tmp_path) -> None:
    """gh changes its login only if no variable holds a token."""
    token = cloud.github.tokens.oauth("narrow", "repo")
    hosts = tmp_path / "hosts.yml"
    variables = cloud.environment("github-nobody") | {"GH_CONFIG_DIR": str(tmp_path)}
    for oauth, verb in ((token, "refresh"), ("gho_" + "0" * 36, "login")):
        hosts.write_text(f"github.com:\n    user: me\n    oauth_token: {oauth}\n")
        ran = run(variables, "get", GITHUB)
        fix = f"run: gh auth {verb} --hostname github.com --scopes read:packages"
        assert ran.stderr.rstrip().endswith(fix)


def test_a_token_that_github_itself_refuses_is_of_no_use(run) -> None:
    with Sandbox() as cloud:
        variables = cloud.environment("github-gh-token")
        cloud.fail("github:access-denied")
        ran = run(variables, "get", GITHUB)
    assert "GH_TOKEN is refused by GitHub (403)" in ran.stderr


WEST = f"{ACCOUNT}.dkr.ecr.eu-west-1.amazonaws.com"
NOBODYS = {
    "acmecorp.azurecr.oi": "write acmecorp.azurecr.io",
    "ghcr.com": "write ghcr.io",
    "gcr.oi": "write gcr.io",
    "docker.pkg.de": "write LOCATION-docker.pkg.dev",
    "public.ecr.awz": "write public.ecr.aws",
    f"{ACCOUNT[1:]}.dkr.ecr.eu-west-1.amazonaws.com": "twelve digits",
    f"{ACCOUNT}3.dkr.ecr.eu-west-1.amazonaws.com": "twelve digits",
}


@pytest.mark.parametrize("host", NOBODYS)
def test_a_host_that_is_nearly_a_clouds_is_nobodys(host, run) -> None:
    ran = run(KEYS, "doctor", host, "--client", "docker", "--json")
    assert ran.returncode == 1
    ((text, remedy),) = problems(ran).items()
    assert f"{host} is no registry of" in text
    assert NOBODYS[host] in remedy
    got = run(KEYS, "get", host)
    assert got.returncode == 1
    assert NOBODYS[host] in got.stderr


REGIONS = {
    "eu-wset-1": (f"write {WEST}", "eu-west-1"),
    "eu-west-9": ("write its region: eu-west-1, eu-west-2, ", "eu-west-1, eu-west-2, "),
    "ap-south-7": ("write its region: ap-south-1, ap-south-2", "ap-south-1, "),
}
ROADS = ["direct", pytest.param("sdk", marks=pytest.mark.slow)]


@pytest.mark.parametrize("region", REGIONS)
@pytest.mark.parametrize("road", ROADS)
def test_a_region_that_is_none_is_told_for_the_cause(region, road, run) -> None:
    """DNS does not know the region's host, but the DNS settings are not the cause."""
    remedy, near = REGIONS[region]
    host = f"{ACCOUNT}.dkr.ecr.{region}.amazonaws.com"
    variables = KEYS | {"DOCKCRED_ROAD": road, "AWS_EC2_METADATA_DISABLED": "true"}
    ran = run(variables, "doctor", host, "--json")
    assert ran.returncode == 1
    ((text, told),) = problems(ran).items()
    assert region in text
    assert told.startswith(remedy)
    assert "configure podman" not in ran.stdout
    got = run(variables, "get", host)
    assert region in got.stderr
    assert f"see the region in the registry's name: {near}" in got.stderr
    assert "DNS" not in got.stderr
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in ran.stdout + got.stderr
