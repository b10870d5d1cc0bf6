"""A blob of another repository is mounted, if the job may read that repository."""

from __future__ import annotations

import http.client
import json

import pytest
from real.parts import program
from support.program import BUSY_S
from support.token_service import basic

from dockcred.testing.sandbox import Sandbox

from .clients import Docker, Skopeo
from .conftest import Start, changed
from .registries import SERVICE, Site
from .test_clients import succeeds


def test_gitlab_pushes_with_a_token_in_a_variable(
    job: Start, site: Site, cloud: Sandbox
):
    base = f"{site.host}/team/base:1"
    succeeds(Skopeo(job("ci-gitlab")).push(base))
    with changed(cloud.ci.gitlab, ref="other"):
        done = Skopeo(job("ci-gitlab")).push(base)
    assert done.returncode != 0


@pytest.mark.parametrize("tool", ["docker", "skopeo", "oras", "crane"])
def test_a_blob_is_mounted_from_another_repository(
    job: Start, site: Site, cloud: Sandbox, tool: str
):
    """GitLab pushes team/base, and GitHub may pull it; team/mounted is GitHub's."""
    base, mounted = f"{site.host}/team/base:{tool}", f"{site.host}/team/mounted:{tool}"
    kind = Docker if tool == "docker" else Skopeo
    succeeds(kind(job("ci-gitlab")).push(base))
    since = len(site.visits())
    worker = job()
    if tool == "docker":
        docker = Docker(worker)
        succeeds(docker.pull(base))
        succeeds(docker.docker("tag", base, mounted))
        succeeds(docker.docker("push", mounted))
    elif tool == "skopeo":
        succeeds(
            Skopeo(worker).copy(
                *("--src-tls-verify=false", "--dest-tls-verify=false"),
                *(f"docker://{base}", f"docker://{mounted}"),
            )
        )
    elif tool == "oras":
        plain = ("--from-plain-http", "--to-plain-http")
        succeeds(worker.run(program("oras"), "cp", *plain, base, mounted))
    else:
        succeeds(worker.run(program("crane"), "copy", "--insecure", base, mounted))
    assert site.answered("201 PUT /v2/team/mounted/manifests/", since)
    mounts = [v for v in site.visits()[since:] if "mount=" in v]
    assert any(visit.startswith("201 POST /v2/team/mounted/") for visit in mounts)


def test_nothing_is_mounted_from_where_the_job_may_not_read(
    job: Start, site: Site, cloud: Sandbox
):
    """The same request, as clients send it, from a secret and an open repository."""
    succeeds(Skopeo(job("ci-gitlab")).push(f"{site.host}/secret/base:1"))
    for source, expected in (("secret/base", 401), ("team/base", 201)):
        if source == "team/base":
            succeeds(Skopeo(job("ci-gitlab")).push(f"{site.host}/team/base:1"))
        digest = blob_of(site, cloud, source)
        scopes = ("repository:team/mounted:pull,push", f"repository:{source}:pull")
        token = cloud.ci.github.token(cloud.ci.audience)
        query = "&".join(f"scope={scope}" for scope in scopes)
        granted = ask(
            site, "GET", f"/token?service={SERVICE}&{query}", basic("J", token)
        )
        bearer = f"Bearer {json.loads(granted[1])['token']}"
        path = f"/v2/team/mounted/blobs/uploads/?mount={digest}&from={source}"
        assert ask(site, "POST", path, bearer)[0] == expected


def blob_of(site: Site, cloud: Sandbox, repository: str) -> str:
    """Return the digest of a repository's first layer, read as GitLab's job."""
    token = cloud.ci.gitlab.token(cloud.ci.audience)
    scope = f"service={SERVICE}&scope=repository:{repository}:pull"
    granted = ask(site, "GET", f"/token?{scope}", basic("JWT", token))
    bearer = f"Bearer {json.loads(granted[1])['token']}"
    _, manifest = ask(site, "GET", f"/v2/{repository}/manifests/1", bearer)
    return json.loads(manifest)["layers"][0]["digest"]


def ask(site: Site, method: str, path: str, authorization: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(site.host, timeout=BUSY_S)
    accept = "application/vnd.oci.image.manifest.v1+json"
    headers = {"Authorization": authorization, "Accept": accept}
    headers["Accept"] += ", application/vnd.docker.distribution.manifest.v2+json"
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body


def test_strangers_pull_what_is_public_and_nothing_else(job: Start, site: Site):
    for name in ("public/app", "secret/app"):
        succeeds(Skopeo(job("ci-gitlab")).push(f"{site.host}/{name}:1"))
    stranger = job()
    (stranger.home / ".docker/config.json").write_text("{}")
    succeeds(Skopeo(stranger).pull(f"{site.host}/public/app:1"))
    assert Skopeo(stranger).pull(f"{site.host}/secret/app:1").returncode != 0
    assert Skopeo(stranger).push(f"{site.host}/public/app:1").returncode != 0
