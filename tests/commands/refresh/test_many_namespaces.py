"""A real API server with many namespaces: one write each, also after kills.

5,000 of them with DOCKCRED_NIGHT, else 200. Prints the figures of docs/refresh.md.
"""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from urllib.error import HTTPError

import pytest
from support.program import BUSY_S, HOST, wait_until
from support.real import missing

from dockcred.commands.refresh.crowd import AT_ONCE

from .api_server import BINARY, kustomized
from .audited import Audited

pytestmark = pytest.mark.slow

COUNT = 5_000 if os.environ.get("DOCKCRED_NIGHT") else 200
LONG_S = BUSY_S + COUNT / 10
"""Seconds: far more than a run takes, because the machine may be busy."""
LOOK_S = COUNT / 5_000
"""Seconds between two reads of all that etcd has: these slow down what is tested."""
LEASE = "dockcred/dockcred-refresh-writer"
WRITER = LEASE.partition("/")[2]
MEMORY_KB = 150_000
NAMES = [f"many-{number:04}" for number in range(COUNT)]
SECRETS = [
    *("all-pull", "killed-pull", "restarted-pull", "busy-pull", "expired-pull"),
    "struck-pull",
]
"""A Secret's name for each test, so that the tests do not disturb each other."""
ANOTHER = "123456789012.dkr-ecr.us-east-1.on.aws"
KILLS = 5


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    """An API server with the namespaces, and a role that may write these Secrets."""
    if not BINARY.exists():
        missing(f"{BINARY} is not built; .ci/run builds it")
    server = Audited(tmp_path_factory.mktemp("many"))
    server.start()
    try:
        server.kubectl("apply", "-f", "-", stdin=kustomized("deployment"))
        rules = server.get("clusterrole", "dockcred-refresh")["rules"]
        rules[0]["resourceNames"] = SECRETS
        server.patch("clusterrole", "dockcred-refresh", "", {"rules": rules})
        server.create_namespaces(NAMES, {"many": "yes"})
        yield server
    finally:
        server.stop()


@pytest.fixture
def make_account(make_keeper, cloud, many):
    token = many.kubectl("create", "token", "dockcred-refresh", "-n", "dockcred")
    config = many.kubeconfig(token.strip(), "account")

    def make(secret: str, registries: Sequence[str] = (HOST,)):
        keeper = make_keeper(cloud, KUBECONFIG=config, DOCKCRED_CACHE="off")
        keeper.wants(
            {
                "format": "kubernetes-secret",
                "registries": list(registries),
                "secret": secret,
                "namespace_selector": "many=yes",
            }
        )
        return keeper

    return make


def wrote(running) -> int:
    return sum("wrote " in line for line in running.said)


def peak_kb(running) -> int:
    with open(f"/proc/{running.process.pid}/status") as file:
        (line,) = [line for line in file if line.startswith("VmHWM:")]
    return int(line.split()[1])


def new_namespace(api, name: str) -> None:
    metadata = {"name": name, "labels": {"many": "yes"}}
    api.create({"kind": "Namespace", "metadata": metadata})


def seconds_until(condition, seconds: float = LONG_S) -> float:
    began = time.monotonic()
    wait_until(condition, seconds)
    return time.monotonic() - began


def wait_for_all(api, secret: str) -> None:
    """Wait until each namespace has it. The list is long: read it once a second."""
    path = f"/api/v1/secrets?fieldSelector=metadata.name%3D{secret}"
    give_up = time.monotonic() + LONG_S
    while len(api.ask("GET", path)["items"]) < COUNT:
        assert time.monotonic() < give_up
        time.sleep(1)


def exists(api, secret: str, namespace: str) -> bool:
    found = api.get("secret", namespace=namespace)["items"]
    return secret in [each["metadata"]["name"] for each in found]


def take_everything_away(api, namespace: str) -> None:
    """Finish a namespace's deletion: the controllers that would do it do not run."""
    path = f"/api/v1/namespaces/{namespace}"
    for secret in api.get("secret", namespace=namespace)["items"]:
        api.ask("DELETE", f"{path}/secrets/{secret['metadata']['name']}")
    body = api.get("namespace", namespace) | {"spec": {"finalizers": []}}
    api.ask("PUT", f"{path}/finalize", body)


def test_each_has_it_by_one_request(make_account, many, capsys):
    secret = SECRETS[0]
    keeper = make_account(secret)
    with keeper.start() as running:
        seconds = seconds_until(lambda: wrote(running) == COUNT)
        writes = many.writes(secret)
        asked = Counter(
            (event["verb"], event["objectRef"]["resource"], event["stage"])
            for event in many.requests()
        )
        assert writes == Counter(NAMES)
        # Lists come in pages, and the log has a watch's beginning and its end.
        others = asked.total() - COUNT
        assert others <= 8 + 4 * COUNT / 500, asked
        assert not [what for what in asked if what[:2] == ("get", "secrets")]

        new_namespace(many, "many-new")
        fresh = seconds_until(lambda: exists(many, secret, "many-new"))
        many.ask("DELETE", f"/api/v1/namespaces/many-new/secrets/{secret}")
        again = seconds_until(lambda: exists(many, secret, "many-new"))
        many.ask("DELETE", "/api/v1/namespaces/many-new")
        take_everything_away(many, "many-new")
        said = len(running.said)
        new_namespace(many, "many-new")
        seconds_until(lambda: exists(many, secret, "many-new"))
        # The namespace was left alone, without a message, while it was Terminating.
        wait_until(lambda: len(running.said) == said + 1)
        assert running.said[said].startswith(f"wrote many-new/{secret}: ")
        memory = peak_kb(running)
    many.ask("DELETE", "/api/v1/namespaces/many-new")
    take_everything_away(many, "many-new")
    assert memory < MEMORY_KB
    with capsys.disabled():
        print(
            f"\n{COUNT} namespaces: {seconds:.1f} s for all, 1 write each and"
            f" {others} requests more, {memory / 1000:.0f} MB at most;"
            f" a new one {fresh:.2f} s, a deleted Secret {again:.2f} s"
        )
    # The documentation promises two seconds, for an idle machine.
    assert max(fresh, again) < 10


def test_a_replica_that_is_killed_is_followed_and_nothing_is_written_twice(
    make_account, many, capsys
):
    secret = SECRETS[1]
    give_the_lease(many, "another")
    replicas = [make_account(secret).start("--lease", LEASE) for _ in range(2)]
    try:
        for each in replicas:
            each.says("waits: another holds", seconds=LONG_S)
        give_the_lease(many, "")
        wait_until(lambda: any(map(holds, replicas)), LONG_S)
        first, second = sorted(replicas, key=holds, reverse=True)
        first.says("wrote", times=COUNT // 20, seconds=LONG_S)
        first.process.kill()
        killed = time.monotonic()
        assert first.process.wait() == -signal.SIGKILL
        assert 0 < wrote(first) < COUNT
        assert wrote(second) == 0
        with second:
            second.says("wrote", seconds=LONG_S)
            taken_over = time.monotonic() - killed
            wait_for_all(many, secret)
            time.sleep(1)  # a write too many would come now
            memory = peak_kb(second)
    finally:
        for each in replicas:
            each.process.kill()
    assert many.versions(secret) == Counter(NAMES)
    # Only the requests under way at the kill may have been sent again.
    assert many.attempts(secret) <= COUNT + AT_ONCE
    assert memory < MEMORY_KB
    with capsys.disabled():
        print(
            f"\n{COUNT} namespaces: killed after {wrote(first)}, taken over after"
            f" {taken_over:.1f} s, each written once"
        )


def test_whatever_moment_a_kill_hits_each_is_there_and_written_once(make_account, many):
    """Kill one replica after the other; the next one gets the Lease at once.

    So it starts while the server still handles requests of the killed one. First each
    Secret is created, then each is overwritten: the target then has one registry more.
    """
    secret = SECRETS[5]
    seed = time.time_ns() % 1_000_000
    chance = random.Random(seed)
    print(f"seed {seed}")
    for versions, registries in enumerate(([HOST], [HOST, ANOTHER]), 1):
        expected = Counter(dict.fromkeys(NAMES, versions))
        in_the_middle = 0
        for _ in range(KILLS):
            give_the_lease(many, "")
            running = make_account(secret, registries).start("--lease", LEASE)
            enough = chance.randrange(1, COUNT // 2 // KILLS)
            try:
                give_up = time.monotonic() + LONG_S
                while wrote(running) < enough and many.versions(secret) != expected:
                    assert time.monotonic() < give_up, running.said
                    time.sleep(LOOK_S)
                time.sleep(chance.random() / 20)
            finally:
                running.process.kill()
            running.process.wait()
            in_the_middle += many.versions(secret) != expected
        assert in_the_middle
        give_the_lease(many, "")
        with make_account(secret, registries).start("--lease", LEASE):
            give_up = time.monotonic() + LONG_S
            while not many.versions(secret) >= expected:
                assert time.monotonic() < give_up
                time.sleep(LOOK_S)
            time.sleep(1)  # a write too many would come now
        assert many.versions(secret) == expected
    assert many.attempts(secret) <= 2 * (COUNT + KILLS * AT_ONCE)


def give_the_lease(api, holder: str) -> None:
    spec = {"holderIdentity": holder, "leaseDurationSeconds": 300}
    metadata = {"name": WRITER, "namespace": "dockcred"}
    try:
        api.patch("lease", WRITER, "dockcred", {"spec": spec})
    except HTTPError:
        api.create({"kind": "Lease", "metadata": metadata, "spec": spec})


def test_the_api_server_is_killed_in_the_middle(make_account, many):
    secret = SECRETS[2]
    with make_account(secret).start() as running:
        running.says("wrote", times=COUNT // 10, seconds=LONG_S)
        many.kill()
        time.sleep(1)
        many.start()
        wait_for_all(many, secret)
        # Its watches work again, too.
        new_namespace(many, "many-after")
        seconds_until(lambda: exists(many, secret, "many-after"))
        versions = many.versions(secret)
    many.ask("DELETE", "/api/v1/namespaces/many-after")
    take_everything_away(many, "many-after")
    assert versions == Counter([*NAMES, "many-after"])
    assert not [line for line in running.said if "unforeseen" in line]


def test_a_watch_whose_past_is_forgotten_is_listed_anew(make_account, many):
    secret = SECRETS[4]
    with make_account(secret).start() as running:
        wait_until(lambda: wrote(running) == COUNT, LONG_S)
        before = lists(many)
        running.process.send_signal(signal.SIGSTOP)
        many.kill()
        many.start()
        new_namespace(many, "many-unheard")
        many.compact()
        many.kill()
        many.start()  # its watch cache begins here, after the change
        running.process.send_signal(signal.SIGCONT)
        seconds_until(lambda: exists(many, secret, "many-unheard"))
        assert lists(many) > before
    many.ask("DELETE", "/api/v1/namespaces/many-unheard")
    take_everything_away(many, "many-unheard")


def lists(api) -> int:
    """Return how many lists we have requested: only a 410 leads to another one."""
    return sum(event["verb"] == "list" for event in api.requests())


def test_a_busy_server_is_heeded(make_account, many):
    """The server's flow control admits one of our requests at a time, else 429."""
    secret = SECRETS[3]
    level = {
        "kind": "PriorityLevelConfiguration",
        "metadata": {"name": "one-at-a-time"},
        "spec": {
            "type": "Limited",
            "limited": {
                "nominalConcurrencyShares": 0,
                "lendablePercent": 0,
                "borrowingLimitPercent": 0,
                "limitResponse": {"type": "Reject"},
            },
        },
    }
    rule = {"verbs": ["create"], "apiGroups": [""], "resources": ["secrets"]}
    account = {"name": "dockcred-refresh", "namespace": "dockcred"}
    schema = {
        "kind": "FlowSchema",
        "metadata": {"name": "one-at-a-time"},
        "spec": {
            "matchingPrecedence": 2,
            "priorityLevelConfiguration": {"name": "one-at-a-time"},
            "rules": [
                {
                    "subjects": [{"kind": "ServiceAccount", "serviceAccount": account}],
                    "resourceRules": [rule | {"namespaces": ["*"]}],
                }
            ],
        },
    }
    many.create(level, schema)
    # The server sets the status when the rule is in force.
    wait_until(
        lambda: many.get("flowschema", "one-at-a-time").get("status", {}), LONG_S
    )
    with make_account(secret).start() as running:
        wait_until(lambda: refused(many), LONG_S)
        # First no request is admitted after the rule, then one at a time.
        assert wrote(running) < COUNT
        shares = {"spec": {"limited": {"nominalConcurrencyShares": 1}}}
        many.patch("prioritylevelconfiguration", "one-at-a-time", "", shares)
        wait_until(lambda: wrote(running) >= COUNT, LONG_S)
    for kind in ("flowschemas", "prioritylevelconfigurations"):
        path = f"/apis/flowcontrol.apiserver.k8s.io/v1/{kind}/one-at-a-time"
        many.ask("DELETE", path)
    assert many.writes(secret) == Counter(NAMES)
    # A refused request is sent again only after a second, so there are few.
    assert len(refused(many)) < COUNT / 2
    assert all(line.startswith("wrote ") for line in running.said)


def refused(api) -> list[dict]:
    return [event for event in api.requests() if event["responseStatus"]["code"] == 429]


def test_who_is_stopped_for_a_while_has_lost_it(make_account, many):
    """When it goes on, its own clock says that another replica may write now."""
    first = make_account(SECRETS[0]).start("--lease", LEASE)
    second = make_account(SECRETS[0]).start("--lease", LEASE)
    with first, second:
        wait_until(lambda: holder(many), LONG_S)
        first.says(LEASE, seconds=LONG_S)
        second.says(LEASE, seconds=LONG_S)
        one, other = (first, second) if holds(first) else (second, first)
        one.process.send_signal(signal.SIGSTOP)
        lease = many.get("lease", WRITER, "dockcred")["spec"]
        renewed = datetime.fromisoformat(lease["renewTime"]).timestamp()
        other.says(f"has the Lease {LEASE}", seconds=LONG_S)
        assert time.time() - renewed > 14  # not before the Lease has expired
        one.process.send_signal(signal.SIGCONT)
        one.says(f"lost the Lease {LEASE}: another may write now")
        one.says("waits: ")
        # A replica that ends gives up the Lease, so no other waits for its expiry.
        held = holder(many)
        other.process.send_signal(signal.SIGTERM)
        other.process.wait(LONG_S)
        assert holder(many) != held
        one.says(f"has the Lease {LEASE}", times=2, seconds=LONG_S)


def holds(running) -> bool:
    return any(f"has the Lease {LEASE}" in line for line in running.said)


def holder(api) -> str:
    try:
        spec = api.get("lease", WRITER, "dockcred")["spec"]
    except HTTPError as error:
        if error.code == 404:
            return ""  # it has not been created yet
        raise
    found: str = spec.get("holderIdentity", "")
    return found


@pytest.mark.parametrize("moment", ["2020-01-01", "2099-01-01"])
def test_nobody_s_clock_counts_but_one_s_own(moment, make_account, many):
    """The holder's clock is years wrong, but its Lease is respected for 3 seconds."""
    spec = {
        "holderIdentity": "another",
        "leaseDurationSeconds": 3,
        "renewTime": f"{moment}T00:00:00.000000Z",
    }
    give_the_lease(many, "another")
    many.patch("lease", WRITER, "dockcred", {"spec": spec})
    with make_account(SECRETS[0]).start("--lease", LEASE) as running:
        running.says("waits: another holds the Lease", seconds=LONG_S)
        waited = seconds_until(lambda: holds(running))
        assert waited > 2.5
