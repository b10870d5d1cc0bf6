"""The role in packaging/kubernetes/refresh grants enough, and nothing unneeded."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest
from support.program import BUSY_S, HOST, wait_until

from .api_server import SYSTEM_PATH, kustomized, program

ACCOUNT = "system:serviceaccount:dockcred:dockcred-refresh"
NAME = "registry-pull"
LEASE = "dockcred/dockcred-refresh-writer"
DOCS = (Path(__file__).parents[3] / "docs/refresh.md").read_text()
PAST = "2020-01-01T00:00:00Z"


@pytest.fixture
def make_account(make_keeper, cloud, api, namespaces):
    """Return a function that makes a Keeper with a token of the manifests' account."""
    api.kubectl("apply", "-f", "-", stdin=kustomized("base"))
    token = api.kubectl("create", "token", "dockcred-refresh", "-n", "dockcred")
    config = api.kubeconfig(token.strip(), "account")
    label = api.get("namespace", namespaces[0])["metadata"]["labels"]["test"]

    def make(*, inside: bool):
        keeper = make_keeper(cloud, inside=inside, KUBECONFIG=config)
        keeper.wants(
            {
                "format": "kubernetes-secret",
                "registries": [HOST],
                "secret": NAME,
                "namespace_selector": f"test={label}",
            }
        )
        return keeper

    return make


@pytest.fixture
def keeper(make_account):
    return make_account(inside=True)


@pytest.fixture
def looping(make_account):
    """The same account, with `dockcred` as a process of its own."""
    return make_account(inside=False)


def let_it_be_due(api, namespace: str) -> None:
    past = {"dockcred/issued-at": PAST, "dockcred/expires-at": PAST}
    api.patch("secret", NAME, namespace, {"metadata": {"annotations": past}})


def take_away(api, verb: str, resource: str) -> None:
    rules = api.get("clusterrole", "dockcred-refresh")["rules"]
    for rule in rules:
        if rule["resources"] == [resource] and verb in rule["verbs"]:
            rule["verbs"] = [each for each in rule["verbs"] if each != verb] or ["none"]
    api.patch("clusterrole", "dockcred-refresh", "", {"rules": rules})


def test_the_role_is_enough_to_make_and_to_renew(keeper, namespaces, api):
    assert len(keeper.once()) == 2
    let_it_be_due(api, namespaces[0])
    (line,) = keeper.once()
    assert line.startswith(f"wrote {namespaces[0]}/{NAME}: ")
    assert keeper.run("--status").status == 0


GRANT = "; grant it: packaging/kubernetes/refresh has the role"


@pytest.mark.parametrize(
    ("verb", "resource", "denied"),
    [
        ("list", "namespaces", "list namespaces"),
        ("get", "secrets", "get the Secret"),
        ("create", "secrets", "create the Secret"),
        ("patch", "secrets", "patch the Secret"),
    ],
)
def test_without_any_verb_it_says_which_is_missing(
    verb, resource, denied, keeper, namespaces, api
):
    if verb in {"patch", "get"}:
        keeper.once()
        for name in namespaces:
            let_it_be_due(api, name)
            if verb == "get":  # without this mark it must read the Secret
                unmarked = {"annotations": {"dockcred/made-for": None}}
                api.patch("secret", NAME, name, {"metadata": unmarked})
    take_away(api, verb, resource)
    (line,) = keeper.fails("--once")
    assert f": not allowed to {denied}{GRANT}" in line
    assert f"not allowed to {denied}{GRANT}" in DOCS


@pytest.mark.parametrize(
    ("verb", "resource", "denied", "instead"),
    [
        ("watch", "namespaces", "watch namespaces", "they are listed once a minute"),
        ("list", "secrets", "list the Secrets named", "each is asked for by itself"),
        (
            "watch",
            "secrets",
            "watch the Secrets named",
            "they are listed once a minute",
        ),
    ],
)
def test_without_list_or_watch_the_loop_says_so_and_goes_on(
    verb, resource, denied, instead, looping, namespaces, api
):
    take_away(api, verb, resource)
    named = f" {NAME}" if resource == "secrets" else ""
    line = f"not allowed to {denied}{named}{GRANT} (until then {instead})"
    assert line in DOCS
    with looping.start() as running:
        running.says(f"wrote {namespaces[1]}/{NAME}")
        running.says(line)
    assert len([each for each in running.said if "not allowed" in each]) == 1


@pytest.mark.parametrize(
    ("verb", "denied"),
    [
        ("get", "get the Lease"),
        ("create", "create the Lease"),
        ("update", "update the Lease"),
    ],
)
def test_without_a_right_on_the_lease_it_says_so_and_waits(
    verb, denied, looping, namespaces, api
):
    api.kubectl("apply", "-f", "-", stdin=kustomized("deployment"))
    api.kubectl(*["-n", "dockcred", "delete", "lease", "--all"])
    rules = api.get("role", "dockcred-refresh", "dockcred")["rules"]
    for rule in rules:
        rule["verbs"] = [each for each in rule["verbs"] if each != verb] or ["none"]
    api.patch("role", "dockcred-refresh", "dockcred", {"rules": rules})
    if verb == "update":  # a Lease that it creates itself needs no update
        name = {"name": "dockcred-refresh-writer", "namespace": "dockcred"}
        api.create({"kind": "Lease", "metadata": name})
    assert f"not allowed to {denied}{GRANT}" in DOCS
    with looping.start("--lease", LEASE) as running:
        running.says(f"not allowed to {denied}{GRANT}")
        time.sleep(3)  # by then it would write
        assert not [each for each in running.said if each.startswith("wrote")]


def test_the_role_of_the_deployment_is_enough_for_the_lease(looping, namespaces, api):
    api.kubectl("apply", "-f", "-", stdin=kustomized("deployment"))
    api.kubectl(*["-n", "dockcred", "delete", "lease", "--all"])
    with looping.start("--lease", LEASE) as running:
        running.says(f"wrote {namespaces[1]}/{NAME}")
        lease = api.get("lease", "dockcred-refresh-writer", "dockcred")
        assert f"as {lease['spec']['holderIdentity']}" in running.said[0]
        renewed = lease["spec"]["renewTime"]
        wait_until(
            lambda: (
                api.get("lease", "dockcred-refresh-writer", "dockcred")["spec"][
                    "renewTime"
                ]
                > renewed
            )
        )
    given_up = api.get("lease", "dockcred-refresh-writer", "dockcred")["spec"]
    assert given_up.get("holderIdentity", "") == ""
    assert not [each for each in running.said if "not allowed" in each]


@pytest.mark.parametrize(
    "more",
    [
        ("list", "secrets"),
        ("watch", "secrets"),
        ("list", "secret/another"),
        ("watch", "secret/another"),
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
        # kubectl creates HOME, and caches there what it discovers.
        env={"PATH": SYSTEM_PATH, "HOME": str(api.directory), "KUBECONFIG": config},
        capture_output=True,
        text=True,
        timeout=BUSY_S,
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
