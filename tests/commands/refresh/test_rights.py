"""What the role of packaging/kubernetes/refresh allows is enough, and all is needed."""

from __future__ import annotations

import subprocess

import pytest
from support.program import HOST

from .api_server import SYSTEM_PATH, kustomized, program

ACCOUNT = "system:serviceaccount:dockcred:dockcred-refresh"
NAME = "registry-pull"
PAST = "2020-01-01T00:00:00Z"


@pytest.fixture
def keeper(make_keeper, cloud, api, namespaces):
    """The account of the manifests, with the token that a pod of it would have."""
    api.kubectl("apply", "-f", "-", stdin=kustomized("base"))
    token = api.kubectl("create", "token", "dockcred-refresh", "-n", "dockcred")
    config = api.kubeconfig(token.strip(), "account")
    keeper = make_keeper(cloud, inside=True, KUBECONFIG=config)
    label = api.get("namespace", namespaces[0])["metadata"]["labels"]["test"]
    keeper.wants(
        {
            "format": "kubernetes-secret",
            "registries": [HOST],
            "secret": NAME,
            "namespace_selector": f"test={label}",
        }
    )
    return keeper


def let_it_be_due(api, namespace: str) -> None:
    past = {"dockcred/issued-at": PAST, "dockcred/expires-at": PAST}
    api.patch("secret", NAME, namespace, {"metadata": {"annotations": past}})


def take_away(api, verb: str) -> None:
    rules = api.get("clusterrole", "dockcred-refresh")["rules"]
    for rule in rules:
        rule["verbs"] = [each for each in rule["verbs"] if each != verb] or ["watch"]
    api.patch("clusterrole", "dockcred-refresh", "", {"rules": rules})


def test_the_role_is_enough_to_make_and_to_renew(keeper, namespaces, api):
    assert len(keeper.once()) == 2
    let_it_be_due(api, namespaces[0])
    (line,) = keeper.once()
    assert line.startswith(f"wrote {namespaces[0]}/{NAME}: ")
    assert keeper.run("--status").status == 0


@pytest.mark.parametrize(
    ("verb", "denied"),
    [
        ("list", "list namespaces"),
        ("get", "get the Secret"),
        ("create", "create the Secret"),
        ("patch", "patch the Secret"),
    ],
)
def test_without_any_verb_it_says_which_is_missing(
    verb, denied, keeper, namespaces, api
):
    if verb == "patch":
        keeper.once()
        for name in namespaces:
            let_it_be_due(api, name)
    take_away(api, verb)
    (line,) = keeper.fails("--once")
    assert f": not allowed to {denied}; grant it: packaging/kubernetes/refresh" in line


@pytest.mark.parametrize(
    "more",
    [
        ("list", "secrets"),
        ("watch", "secrets"),
        ("delete", f"secret/{NAME}"),
        ("get", "secret/another"),
        ("patch", "secret/another"),
        ("get", "pods"),
    ],
    ids=" ".join,
)
def test_it_may_do_nothing_more(more, keeper, namespaces, api):
    config = api.kubeconfig()
    done = subprocess.run(
        [
            program("kubectl"),
            "auth",
            "can-i",
            *more,
            "-n",
            namespaces[0],
            "--as",
            ACCOUNT,
        ],
        # kubectl keeps what it discovers below HOME, and makes that.
        env={"PATH": SYSTEM_PATH, "HOME": str(api.directory), "KUBECONFIG": config},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.stdout.strip() == "no"


def test_a_token_that_is_no_good_is_told_as_such(make_keeper, cloud, api, namespaces):
    config = api.kubeconfig("nobody-s", "nobody")
    keeper = make_keeper(cloud, inside=True, KUBECONFIG=config)
    keeper.wants(
        {
            "format": "kubernetes-secret",
            "registries": [HOST],
            "secret": NAME,
            "namespaces": namespaces,
        }
    )
    (line,) = keeper.fails("--once")
    assert (
        "and 1 more: could not get the Secret: the API server does not know us" in line
    )
    assert "nobody-s" not in line
