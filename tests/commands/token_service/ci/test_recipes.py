"""The CI files in packaging/ci: each step is run as the CI system would run it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from real.world import Result

from dockcred.commands.token_service import settings_file

from .chain import HOST, Chain
from .conftest import Runner

RECIPES = Path(__file__).parents[4] / "packaging/ci"
# Stubs of installers: dockcred is already there, so they only note their arguments.
INSTALLERS = ("pipx", "apk")
SYSTEMS = ("github", "gitlab")
COMMIT = "9f2c1e7d3b5a4f60718293a4b5c6d7e8f9012345"


def read(name: str) -> dict[Any, Any]:
    return yaml.safe_load((RECIPES / name).read_text())


@dataclass(frozen=True)
class Job:
    """The shell steps of a recipe, and the variables that it sets."""

    scripts: tuple[str, ...]
    variables: dict[str, str]
    repository: str


def github(chain: Chain) -> Job:
    workflow = read("github-actions.yml")
    (job,) = workflow["jobs"].values()
    used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
    assert used == ["actions/checkout"]
    scripts = tuple(step["run"] for step in job["steps"] if "run" in step)
    # GitHub runs each step by its own `bash -e`.
    variables = {"GITHUB_SHA": COMMIT} | workflow["env"]
    return Job(scripts, variables, "octo/app")


def gitlab(chain: Chain) -> Job:
    (job,) = read("gitlab-ci.yml").values()
    tokens = {}
    for name, wanted in job["id_tokens"].items():
        assert wanted == {"aud": chain.audience}
        tokens[name] = chain.jobs["gitlab"]["REGISTRY_ID_TOKEN"]
    # GitLab runs both lists in one shell.
    scripts = ("\n".join((*job["before_script"], *job["script"])),)
    variables = {"CI_COMMIT_SHA": COMMIT} | job["variables"] | tokens
    return Job(scripts, variables, "group/app")


def variables_of(job: dict[str, str]) -> dict[str, str]:
    """Return the variables that the CI system sets; the recipe must set ours."""
    ours = ("DOCKCRED_OIDC_", "REGISTRY_ID_TOKEN")
    return {n: v for n, v in job.items() if not n.startswith(ours)}


@pytest.fixture
def play(chain: Chain, runner: Runner, engine: str):
    """Return a function that runs a recipe on a new runner and yields step results."""

    def run(system: str, more: dict[str, str]) -> tuple[Job, Iterator[Result]]:
        job = (github if system == "github" else gitlab)(chain)
        own = variables_of(chain.jobs[system]) | job.variables | more
        account = runner(own | {"DOCKER_HOST": engine})
        # Only the recipe configures the clients.
        account.docker_config.unlink()
        work = account.home / "work"
        work.mkdir()
        (work / "Dockerfile").write_text("FROM scratch\nCOPY Dockerfile /\n")
        tools = account.home / "tools"
        tools.mkdir()
        for name in INSTALLERS:
            (tools / name).write_text(f'#!/bin/sh\necho "{name} $*" >>"$HOME/asked"\n')
            (tools / name).chmod(0o755)
        account = replace(account, helpers=(tools, *account.helpers))

        def steps() -> Iterator[Result]:
            for script in job.scripts:
                file = account.home / "step"
                file.write_text(f"cd {work}\n{script}\n")
                done = account.run("bash", "-e", str(file))
                yield done
                if done.returncode:
                    return
            asked = (account.home / "asked").read_text()
            assert "pipx install dockcred\n" in asked

        return job, steps()

    return run


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_recipe_pushes(system, play, chain):
    job, steps = play(system, {})
    for done in steps:
        assert done.returncode == 0, done.stdout + done.stderr
    manifest = f"201 PUT /v2/{job.repository}/manifests/{COMMIT}"
    assert manifest in chain.visits()


@pytest.mark.parametrize(
    ("system", "twin"), [("github", "event"), ("gitlab", "unprotected")]
)
def test_the_same_recipe_with_one_claim_changed_is_denied(system, twin, play, chain):
    """The job is for a pull request, or for a branch that is not protected."""
    _, steps = play(system, chain.twin(system, twin))
    before = len(chain.visits())
    *_, last = steps
    assert last.returncode != 0
    assert "denied" in (last.stdout + last.stderr).lower()
    news = chain.visits()[before:]
    assert not [visit for visit in news if visit.startswith("201 ")]


@pytest.mark.parametrize("name", ["github-actions.yml", "gitlab-ci.yml"])
def test_no_secret_is_in_it(name):
    text = (RECIPES / name).read_text()
    for word in ("secrets.", "PASSWORD", "docker login", "${{", "CI_JOB_TOKEN"):
        assert word not in text


def test_the_workflow_has_no_more_than_it_needs():
    workflow = read("github-actions.yml")
    assert workflow["permissions"] == {"contents": "read", "id-token": "write"}
    # YAML 1.1 reads the key `on` as a boolean.
    assert workflow[True] == {"push": {"branches": ["main"]}}


def test_the_rules_beside_them_are_for_these_jobs():
    settings = settings_file.parse((RECIPES / "token-service.toml").read_text(), "")
    assert settings.service == HOST
    github_job, gitlab_job = read("github-actions.yml"), read("gitlab-ci.yml")["push"]
    for issuer in settings.issuers:
        assert issuer.audience == github_job["env"]["DOCKCRED_OIDC_AUDIENCE"]
        assert {"aud": issuer.audience} in gitlab_job["id_tokens"].values()
    repositories = {glob.text for rule in settings.rules for glob in rule.repositories}
    images = {github_job["env"]["IMAGE"], gitlab_job["variables"]["IMAGE"]}
    assert {f"{HOST}/{name}" for name in repositories} == images
