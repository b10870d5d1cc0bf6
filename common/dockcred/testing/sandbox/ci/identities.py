"""The CI jobs: what each system leaves in a job's home and environment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.home import path_led_by, write_private

if TYPE_CHECKING:
    from dockcred.testing.sandbox.ci import CI

Variables = dict[str, str]


class Workplace:
    """Writes the files of a job into its home, readable only by the owner."""

    def __init__(self, ci: CI, home: Path, url: str) -> None:
        self.ci = ci
        self.home = home
        self.url = url

    def write(self, path: str, text: str, mode: int = 0o600) -> Path:
        """Write a file below the home directory."""
        return write_private(self.home / path, text.encode(), mode)

    def serve(self, more: Variables) -> Variables:
        """Return the job's variables, with its token as the registry's password."""
        return {
            "CI": "true",
            "DOCKCRED_OIDC_HOSTS": self.ci.registry,
            "DOCKCRED_OIDC_AUDIENCE": self.ci.audience,
        } | more

    def program(self, name: str, token: str) -> Variables:
        """Write a CI system's program that records its arguments and prints a token."""
        script = (
            '#!/bin/sh\necho "$*" >>"$HOME/calls"\n'
            'if read -r line; then echo stdin >>"$HOME/calls"; fi\n'
            f"echo '{token}'\n"
        )
        path = self.write(f"bin/{name}", script, mode=0o700)
        return path_led_by(path.parent)


def github(work: Workplace) -> Variables:
    """Be a job of GitHub Actions with the permission `id-token: write`."""
    issuer = work.ci.github
    return work.serve(
        _github_job(work)
        | {
            "ACTIONS_ID_TOKEN_REQUEST_URL": issuer.request_url,
            "ACTIONS_ID_TOKEN_REQUEST_TOKEN": issuer.request_token,
        }
    )


def github_without_permission(work: Workplace) -> Variables:
    """Be a job of GitHub Actions without the permission `id-token: write`."""
    return work.serve(_github_job(work))


def gitlab(work: Workplace) -> Variables:
    """Be a job of GitLab CI with an entry in `id_tokens`."""
    token = work.ci.gitlab.token(work.ci.audience)
    return work.serve(
        {
            "GITLAB_CI": "true",
            "CI_JOB_ID": str(work.ci.gitlab.job["job_id"]),
            "CI_SERVER_URL": work.ci.gitlab.url,
            "DOCKCRED_OIDC_TOKEN_VARIABLE": "REGISTRY_ID_TOKEN",
            "REGISTRY_ID_TOKEN": token,
        }
    )


def kubernetes(work: Workplace) -> Variables:
    """Be a pod with a projected token."""
    # The API server writes the audience as a list.
    token = work.ci.kubernetes.token(work.ci.audience, aud=[work.ci.audience])
    file = work.write("var/run/secrets/tokens/registry", token)
    return work.serve({"DOCKCRED_OIDC_TOKEN_FILE": str(file)})


def circleci(work: Workplace) -> Variables:
    """Be a job of CircleCI, whose own program mints."""
    token = work.ci.circleci.token(work.ci.audience)
    job = {"CIRCLECI": "true", "CIRCLE_WORKFLOW_JOB_ID": "w-1"}
    return work.serve(job | work.program("circleci", token))


def buildkite(work: Workplace) -> Variables:
    """Be a step of Buildkite, whose own program mints."""
    token = work.ci.buildkite.token(work.ci.audience)
    job = {"BUILDKITE": "true", "BUILDKITE_JOB_ID": "b-1"}
    return work.serve(job | work.program("buildkite-agent", token))


def azure_pipelines(work: Workplace) -> Variables:
    """Be a job of Azure Pipelines with a service connection."""
    issuer = work.ci.azure_pipelines
    return work.serve(
        {
            "TF_BUILD": "True",
            "SYSTEM_OIDCREQUESTURI": issuer.request_url,
            "SYSTEM_ACCESSTOKEN": issuer.access_token,
            "DOCKCRED_OIDC_SERVICE_CONNECTION": issuer.service_connection,
            "DOCKCRED_OIDC_AUDIENCE": issuer.audience,
        }
    )


def google(work: Workplace) -> Variables:
    """Be a machine of Google's, such as a worker of Cloud Build."""
    host = work.url.removeprefix("http://")
    return work.serve({"DOCKCRED_OIDC_SOURCE": "google", "GCE_METADATA_HOST": host})


def variable(work: Workplace) -> Variables:
    """Be a job of another system, with its token in a variable."""
    token = work.ci.generic.token(work.ci.audience)
    return work.serve({"DOCKCRED_OIDC_TOKEN_VARIABLE": "JOB_TOKEN", "JOB_TOKEN": token})


def command(work: Workplace) -> Variables:
    """Be a job of another system, with a program that prints its token."""
    token = work.ci.generic.token(work.ci.audience)
    path = f"{work.program('mint', token)['PATH'].partition(':')[0]}/mint"
    return work.serve({"DOCKCRED_OIDC_TOKEN_COMMAND": f"{path} --for registry"})


def nobody(work: Workplace) -> Variables:
    """Have no identity at all, though one is asked for."""
    return work.serve({"CI": ""})


def _github_job(work: Workplace) -> Variables:
    claims = work.ci.github.job
    return {
        "GITHUB_ACTIONS": "true",
        "GITHUB_REPOSITORY": str(claims["repository"]),
        "GITHUB_RUN_ID": str(claims["run_id"]),
        "GITHUB_RUN_ATTEMPT": str(claims["run_attempt"]),
        "GITHUB_JOB": "build",
    }


IDENTITIES: dict[str, Callable[[Workplace], Variables]] = {
    f"ci-{identity.__name__.replace('_', '-')}": identity
    for identity in (
        github,
        github_without_permission,
        gitlab,
        kubernetes,
        circleci,
        buildkite,
        azure_pipelines,
        google,
        variable,
        command,
        nobody,
    )
}
