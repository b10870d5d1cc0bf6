"""The API server goes away and comes back; the loop goes on by itself."""

from __future__ import annotations

import pytest
from support.program import HOST

from .api_server import ApiServer

NAME = "registry-pull"


@pytest.fixture
def own_api(api: ApiServer):
    """The API server, which is started again after the test."""
    yield api
    api.start()


def target(namespaces: list[str]) -> dict[str, object]:
    return {
        "format": "kubernetes-secret",
        "registries": [HOST],
        "secret": NAME,
        "namespaces": namespaces,
    }


def test_the_loop_outlives_the_api_server(
    make_keeper, brief_cloud, own_api, namespaces
):
    keeper = make_keeper(brief_cloud, KUBECONFIG=own_api.kubeconfig())
    keeper.wants(target(namespaces))
    wrote = [f"wrote {namespace}/{NAME}" for namespace in namespaces]
    both = f"{namespaces[0]}/{NAME} and 1 more: "
    with keeper.start() as running:
        for each in wrote:  # the order does not matter
            running.says(each)
        own_api.kill()
        running.says(both, times=2)
        before = {each: sum(each in line for line in running.said) for each in wrote}
        own_api.start()
        for each in wrote:
            running.says(each, times=before[each] + 1)
    lines = [line for line in running.said if "the API server is away" in line]
    assert all("(what is there " in line for line in lines)
    # The kill and the start may come within a round. Each round between them has one
    # line for both namespaces.
    whole = [number for number, line in enumerate(lines) if both in line]
    assert whole == list(range(whole[0], whole[-1] + 1))
    assert len(whole) > 1
    assert not [line for line in running.said if "Traceback" in line]


def test_once_says_so_and_leaves_what_is_there(make_keeper, cloud, own_api, namespaces):
    keeper = make_keeper(cloud, inside=True, KUBECONFIG=own_api.kubeconfig())
    keeper.wants(target(namespaces))
    keeper.once()
    before = own_api.get("secret", NAME, namespaces[0])
    own_api.kill()
    (line,) = keeper.fails("--once")
    assert line.startswith(
        f"{namespaces[0]}/{NAME} and 1 more: could not get the Secret: "
    )
    assert "the API server is away (NewConnectionError); see whether it runs" in line
    assert keeper.run("--status").status == 1
    own_api.start()
    assert keeper.once() == []
    assert own_api.get("secret", NAME, namespaces[0]) == before


def test_nothing_is_minted_again_because_the_api_server_is_away(
    make_keeper, cloud, own_api, namespaces
):
    """The loop keeps the credential that it could not deliver."""
    keeper = make_keeper(cloud, KUBECONFIG=own_api.kubeconfig(), DOCKCRED_CACHE="off")
    file = keeper.home / "config.json"
    keeper.wants(
        {"format": "docker-config", "registries": [HOST], "file": str(file)},
        target(namespaces),
    )
    own_api.kill()
    with keeper.start() as running:
        running.says("the API server is away", times=2)
        own_api.start()
        running.says(f"wrote {namespaces[1]}/{NAME}")
    assert cloud.calls["ecr:GetAuthorizationToken"] == 1
