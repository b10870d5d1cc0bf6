"""The API server goes away and comes back; nobody has to do anything."""

from __future__ import annotations

import pytest
from support.program import HOST

from .api_server import ApiServer

NAME = "registry-pull"


@pytest.fixture
def own_api(api: ApiServer):
    """The API server, which is there again when the test is done."""
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
    with keeper.start() as running:
        running.says(f"wrote {namespaces[1]}/{NAME}")
        own_api.kill()
        running.says("the API server is away", times=2)
        own_api.start()
        running.says(f"wrote {namespaces[1]}/{NAME}", times=2)
    lines = [line for line in running.said if "the API server is away" in line]
    # One line for both namespaces, each time.
    assert all(f"{namespaces[0]}/{NAME}" in line for line in lines)
    assert all("(what is there " in line for line in lines)
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
    """The loop keeps what it could not deliver: the cloud is asked once."""
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
