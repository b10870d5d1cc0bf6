"""Secrets in a real API server: created, patched, left alone, never made older."""

from __future__ import annotations

import base64
import json
import time
from datetime import UTC, datetime

import pytest
from support.program import HOST, wait_until

from dockcred.commands.refresh import cluster as clusters
from dockcred.commands.refresh.answers import ConflictError
from dockcred.commands.refresh.attempt import Kept
from dockcred.commands.refresh.cluster import Cluster
from dockcred.commands.refresh.target import Logins
from dockcred.commands.refresh.targets_file import read

NAME = "registry-pull"
ENDS = "dockcred/expires-at"


def payload(secret: dict) -> dict:
    return json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))


def password(secret: dict) -> str:
    return payload(secret)["auths"][HOST]["password"]


@pytest.fixture
def keeper(make_keeper, cloud, api):
    return make_keeper(cloud, inside=True, KUBECONFIG=api.kubeconfig())


@pytest.fixture
def target(namespaces) -> dict[str, object]:
    return {
        "format": "kubernetes-secret",
        "registries": [HOST],
        "secret": NAME,
        "namespaces": namespaces,
    }


def test_it_is_made_where_it_is_missing(keeper, target, namespaces, api, cloud):
    keeper.wants(target)
    lines = keeper.once()
    assert sorted(line.partition(":")[0] for line in lines) == [
        f"wrote {name}/{NAME}" for name in namespaces
    ]
    for name in namespaces:
        secret = api.get("secret", NAME, name)
        assert secret["type"] == "kubernetes.io/dockerconfigjson"
        assert cloud.minted(password(secret))
        assert datetime.fromisoformat(secret["metadata"]["annotations"][ENDS]) > (
            datetime.now(UTC)
        )
    assert cloud.calls["ecr:GetAuthorizationToken"] == 1


def test_a_label_chooses_namespaces_and_those_that_end_are_left(
    keeper, target, namespaces, api
):
    label = api.get("namespace", namespaces[0])["metadata"]["labels"]["test"]
    # No controller runs here that finishes the deletion: it stays Terminating.
    api.ask("DELETE", f"/api/v1/namespaces/{namespaces[1]}")
    del target["namespaces"]
    keeper.wants(target | {"namespace_selector": f"test={label}"})
    (line,) = keeper.once()
    assert line.startswith(f"wrote {namespaces[0]}/{NAME}: ")


def test_what_is_young_is_left_alone(keeper, target, namespaces, api, cloud):
    keeper.wants(target)
    keeper.once()
    before = api.get("secret", NAME, namespaces[0])
    cloud.reset()
    assert keeper.once() == []
    assert api.get("secret", NAME, namespaces[0]) == before
    assert not cloud.calls
    done = keeper.run("--status")
    assert done.status == 0
    assert done.stdout.decode().count(": it is good until 20") == 2


def test_what_kubectl_has_made_is_taken_over_but_not_its_other_keys(
    keeper, target, namespaces, api
):
    space = namespaces[0]
    api.kubectl(
        *("create", "secret", "docker-registry", NAME, "-n", space),
        *("--docker-server", "old.example", "--docker-username=u"),
        "--docker-password=p",
    )
    api.patch("secret", NAME, space, {"metadata": {"labels": {"ours": "no"}}})
    keeper.wants(target)
    keeper.once()
    secret = api.get("secret", NAME, space)
    assert set(payload(secret)["auths"]) == {HOST}
    assert secret["metadata"]["labels"] == {"ours": "no"}


def test_a_newer_one_stays(keeper, target, namespaces, api):
    """The Secret expires later than our new credential, whoever has written it."""
    keeper.wants(target)
    keeper.once()
    space = namespaces[0]
    mine = api.get("secret", NAME, space)["metadata"]["annotations"]
    later = (
        f"{datetime.fromtimestamp(int(time.time()) + 10**7, UTC):%Y-%m-%dT%H:%M:%SZ}"
    )
    newer = {ENDS: later, "dockcred/issued-at": "2020-01-01T00:00:00Z"}
    for made_for in (mine["dockcred/made-for"], None):
        _patch(api, space, newer | {"dockcred/made-for": made_for}, b'{"auths":{}}')
        keeper.run("--once")
        assert payload(api.get("secret", NAME, space)) == {"auths": {}}
    _patch(api, space, mine | {ENDS: "2020-01-01T00:00:00Z"}, b'{"auths":{}}')
    keeper.once()
    assert HOST in payload(api.get("secret", NAME, space))["auths"]


def _patch(api, space: str, annotations: dict, content: bytes) -> None:
    data = {".dockerconfigjson": base64.b64encode(content).decode()}
    change = {"metadata": {"annotations": annotations}, "data": data}
    api.patch("secret", NAME, space, change)


def test_of_two_loops_no_one_ever_sets_the_other_back(
    make_keeper, brief_cloud, target, namespaces, api
):
    """The expiry of the Secret only ever gets later."""
    keepers = [make_keeper(brief_cloud, KUBECONFIG=api.kubeconfig()) for _ in range(2)]
    space = namespaces[0]
    for keeper in keepers:
        keeper.wants(target | {"namespaces": [space]})
    ends: list[str] = []
    with keepers[0].start() as one, keepers[1].start() as other:

        def renewed() -> bool:
            found = api.get("secret", namespace=space)["items"]
            for secret in found:
                end = secret["metadata"]["annotations"][ENDS]
                if end not in ends[-1:]:
                    ends.append(end)
            return len(ends) >= 3

        wait_until(renewed)
    assert ends == sorted(ends)
    assert all(line.startswith("wrote ") for line in one.said + other.said)


def test_a_secret_of_another_type_is_refused(keeper, target, namespaces, api):
    metadata = {"name": NAME, "namespace": namespaces[0]}
    api.create({"kind": "Secret", "metadata": metadata, "type": "Opaque"})
    keeper.wants(target)
    (line,) = keeper.fails("--once")
    assert line.startswith(f"{namespaces[0]}/{NAME}: ")
    assert "of type Opaque, which stays; delete it" in line
    assert api.get("secret", NAME, namespaces[1])


def test_a_namespace_that_is_missing_is_named_and_the_others_served(
    keeper, target, namespaces, api
):
    keeper.wants(target | {"namespaces": [*namespaces, "nowhere"]})
    (line,) = keeper.fails("--once")
    assert line == (
        f"nowhere/{NAME}: could not create the Secret: it, or its namespace, is not there;"
        " make it, or name another"
    )
    assert api.get("secret", NAME, namespaces[1])


def test_an_immutable_one_is_named(keeper, target, namespaces, api):
    immutable = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": NAME, "namespace": namespaces[0]},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": base64.b64encode(b"{}").decode()},
        "immutable": True,
    }
    api.create(immutable)
    keeper.wants(target)
    (line,) = keeper.fails("--once")
    assert "takes it for invalid; see whether the Secret is immutable" in line


def test_any_format_can_stand_in_a_secret(keeper, namespaces, api):
    keeper.wants(
        {
            "format": "user-pass",
            "registries": [HOST],
            "secret": "argocd-registry",
            "key": "creds",
            "namespaces": namespaces[:1],
        }
    )
    keeper.once()
    secret = api.get("secret", "argocd-registry", namespaces[0])
    assert secret["type"] == "Opaque"
    assert base64.b64decode(secret["data"]["creds"]).startswith(b"AWS:")


def workload(kind: str, name: str, namespace: str) -> dict:
    labels = {"app": name}
    container = {"name": "c", "image": "example/app"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    return {
        "apiVersion": "apps/v1",
        "kind": kind,
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"selector": {"matchLabels": labels}, "template": template},
    }


def test_what_reads_it_is_restarted_once_after_each_change(
    make_keeper, cloud, target, namespaces, api
):
    space = namespaces[0]
    api.create(
        workload("DaemonSet", "node", space), workload("Deployment", "app", space)
    )
    keeper = make_keeper(
        cloud, inside=True, KUBECONFIG=api.kubeconfig(), DOCKCRED_CACHE="off"
    )
    rollout = ["daemonset/node", "deployment/app"]
    keeper.wants(target | {"namespaces": [space], "rollout": rollout})

    def restarts() -> list[int]:
        found = [api.get(*what.split("/"), space) for what in rollout]
        return [each["metadata"]["generation"] - 1 for each in found]

    keeper.once()
    assert restarts() == [1, 1]
    keeper.once()
    assert restarts() == [1, 1]
    first = api.get("secret", NAME, space)["metadata"]["annotations"]
    template = api.get("deployment", "app", space)["spec"]["template"]
    assert template["metadata"]["annotations"] == {
        f"refresh.dockcred/{NAME}": first["dockcred/issued-at"]
    }
    _patch(api, space, first | {ENDS: "2020-01-01T00:00:00Z"}, b"{}")
    issued = datetime.fromisoformat(first["dockcred/issued-at"]).timestamp()
    wait_until(lambda: time.time() >= issued + 1)
    keeper.once()
    assert restarts() == [2, 2]


def test_a_restart_that_failed_is_made_up_for(keeper, target, namespaces, api):
    space = namespaces[0]
    keeper.wants(target | {"namespaces": [space], "rollout": ["daemonset/node"]})
    (line,) = keeper.fails("--once")
    assert "could not patch daemonset node: it, or its namespace, is not there" in line
    api.create(workload("DaemonSet", "node", space))
    assert keeper.once() == []
    annotations = api.get("daemonset", "node", space)["spec"]["template"]
    assert f"refresh.dockcred/{NAME}" in annotations["metadata"]["annotations"]


@pytest.fixture
def inside(api, cloud, monkeypatch):
    """Set variables of this process: the cloud's identity, the admin's kubeconfig."""
    for name, value in cloud.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("KUBECONFIG", api.kubeconfig())


def test_a_new_namespace_gets_it_and_the_others_are_not_asked(
    inside, keeper, target, namespaces, api
):
    label = api.get("namespace", namespaces[0])["metadata"]["labels"]["test"]
    del target["namespaces"]
    keeper.wants(target | {"namespace_selector": f"test={label}"})
    (wanted,) = read(str(keeper.file))
    kept, logins, said = Kept(wanted), Logins(), []
    assert kept.attempt(logins, said.append) == []
    assert len(said) == 2
    assert kept.seconds_until_due() <= 60
    new = {"name": f"{namespaces[0]}-new", "labels": {"test": label}}
    api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": new})
    assert kept.attempt(logins, said.append) == []
    assert [line.partition(":")[0] for line in said[2:]] == [
        f"wrote {new['name']}/{NAME}"
    ]


def test_a_patch_for_a_version_that_is_past_is_a_conflict(
    inside, keeper, target, namespaces, api
):
    keeper.wants(target)
    keeper.once()
    cluster = Cluster()
    seen = cluster.secret(namespaces[0], NAME)
    other = {"metadata": {"annotations": {"other": "1"}}}
    api.patch("secret", NAME, namespaces[0], other)
    version = {"resourceVersion": seen["metadata"]["resourceVersion"]}
    with pytest.raises(ConflictError):
        cluster.patch_secret(namespaces[0], NAME, {"metadata": version})


def test_a_writer_that_comes_between_is_seen(
    inside, keeper, target, namespaces, api, monkeypatch
):
    """Another writer puts a newer Secret there between our read and our patch."""
    keeper.wants(target | {"namespaces": namespaces[:1]})
    keeper.once()
    space = namespaces[0]
    mine = api.get("secret", NAME, space)["metadata"]["annotations"]
    _patch(api, space, mine | {ENDS: "2020-01-01T00:00:00Z"}, b"{}")
    later = mine | {ENDS: "2099-01-01T00:00:00Z"}
    patch = Cluster.patch_secret

    def others_first(self, *arguments):
        monkeypatch.undo()
        _patch(api, space, later, b'{"auths":{}}')
        return patch(self, *arguments)

    monkeypatch.setattr(Cluster, "patch_secret", others_first)
    (wanted,) = read(str(keeper.file))
    (place,) = wanted.destination.places()
    record = place.look()
    ours = type(record)(record.made_for, record.issued_at, int(time.time()) + 99)
    content = json.dumps(
        {
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": "e30="},
        }
    )
    there = place.deliver(content.encode(), ours)
    assert there != ours
    assert payload(api.get("secret", NAME, space)) == {"auths": {}}


def test_a_long_list_of_namespaces_is_read_whole(inside, api, namespaces, monkeypatch):
    monkeypatch.setattr(clusters, "_PAGE", 2)
    everything = {each["metadata"]["name"] for each in api.get("namespace")["items"]}
    ending = {
        each["metadata"]["name"]
        for each in api.get("namespace")["items"]
        if each["status"]["phase"] == "Terminating"
    }
    assert set(Cluster().namespaces("")) == everything - ending


def test_a_list_that_the_server_forgets_is_read_again(
    inside, api, namespaces, monkeypatch
):
    """If etcd is compacted between two pages, the API server answers 410."""
    monkeypatch.setattr(clusters, "_PAGE", 2)
    cluster = Cluster()
    pages = []
    ask = cluster._core.list_namespace

    def forgetful(**how):
        pages.append(how["_continue"])
        if len(pages) == 2:
            api.compact()
        return ask(**how)

    monkeypatch.setattr(cluster._core, "list_namespace", forgetful)
    assert set(namespaces) <= set(cluster.namespaces(""))
    assert pages[:3].count(None) == 2


@pytest.mark.parametrize(
    "text", ["", "{}", "a: [hunter2", "users: hunter2", "\x00", None], ids=str
)
@pytest.mark.parametrize("how", ["--once", "--status"])
def test_a_kubeconfig_that_is_none_is_named_and_not_quoted(
    text, how, make_keeper, cloud, target, tmp_path
):
    config = tmp_path / "kubeconfig"
    if text is not None:
        config.write_text(text)
    keeper = make_keeper(cloud, inside=True, KUBECONFIG=str(config))
    keeper.wants(target)
    done = keeper.run(how)
    said = (done.stdout + done.stderr).decode()
    assert done.status == 1
    assert said.count("\n") == 1
    assert f"no API server is found: see {config} (" in said
    assert "hunter2" not in said
