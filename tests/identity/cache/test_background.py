"""The background refresh: no client waits for it, and refreshes do not accumulate."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from support import entries
from support.program import LONG_S, processes_of, wait_until

pytestmark = pytest.mark.slow  # as a whole too long for `make test`
ECR_CALL = "ecr:GetAuthorizationToken"


@pytest.fixture
def aging(ecr, cloud):
    """The variables of an identity whose cached password is due for a refresh."""
    environment = cloud.environment()
    ecr.get(environment)
    entries.age_to(entries.only(environment), 0.6)
    cloud.reset()
    return environment


def _refreshers(ecr, cloud) -> list[int]:
    """Return the pids of this program that use this sandbox, not another test's."""
    mark = f"HTTPS_PROXY={cloud.proxy_url}".encode()
    found = []
    for pid in processes_of(ecr.path):
        try:
            variables = Path(f"/proc/{pid}/environ").read_bytes()
        except OSError:
            continue
        if mark in variables:
            found.append(pid)
    return found


def test_a_client_that_reads_to_the_end_does_not_wait_for_the_refresh(
    ecr, cloud, aging
):
    """docker would wait if a child process kept stdout or stderr open."""
    cloud.fail("ecr:hang")
    assert ecr.get(aging | {"DOCKCRED_TIMEOUT": f"{LONG_S}"}).status == 0
    wait_until(lambda: cloud.calls[ECR_CALL] == 1)


def test_the_refresher_keeps_nothing_of_the_client_s(ecr, cloud, aging):
    """Its streams are /dev/null, it has its own session and works in `/`."""
    cloud.fail("ecr:hang")
    ecr.get(aging | {"DOCKCRED_TIMEOUT": "3"})
    (pid,) = wait_until(lambda: _refreshers(ecr, cloud))
    wait_until(lambda: cloud.calls[ECR_CALL] == 1)
    held = {
        int(number): os.readlink(f"/proc/{pid}/fd/{number}")
        for number in os.listdir(f"/proc/{pid}/fd")
    }
    assert {held.pop(number) for number in (0, 1, 2)} == {"/dev/null"}
    assert all(
        target.startswith("socket:") or target.endswith(".lock")
        for target in held.values()
    ), held
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    assert os.getsid(pid) != os.getsid(0)
    wait_until(lambda: not _refreshers(ecr, cloud))


def test_with_the_cloud_down_a_thousand_gets_are_one_attempt(ecr, cloud, aging):
    """There is one attempt per entry and minute, and no process or zombie is left."""
    cloud.fail("ecr:access-denied")
    started = time.monotonic()
    with ThreadPoolExecutor(4) as crowd:
        answers = list(crowd.map(lambda _: ecr.get(aging), range(1000)))
    assert {answer.status for answer in answers} == {0}
    assert len({answer.password for answer in answers}) == 1
    assert cloud.calls[ECR_CALL] <= 1 + (time.monotonic() - started) // 60
    wait_until(lambda: cloud.calls[ECR_CALL])
    wait_until(lambda: not _refreshers(ecr, cloud))
    wait_until(lambda: not _zombies())  # another test's may be there for a moment


def _zombies() -> list[str]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            name, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        if rest.split()[0] == "Z" and "docker-credenti" in name:
            found.append(name)
    return found


def test_within_a_minute_no_other_attempt_is_made(ecr, cloud, aging):
    cloud.fail("ecr:access-denied")
    ecr.get(aging)
    wait_until(lambda: cloud.calls[ECR_CALL] == 1)
    wait_until(lambda: not _refreshers(ecr, cloud))
    ecr.get(aging)
    wait_until(lambda: not _refreshers(ecr, cloud))
    time.sleep(0.3)
    assert cloud.calls[ECR_CALL] == 1


def test_a_minute_later_another_attempt_is_made(ecr, cloud, aging):
    cloud.fail("ecr:access-denied")
    ecr.get(aging)
    wait_until(lambda: cloud.calls[ECR_CALL] == 1)
    wait_until(lambda: not _refreshers(ecr, cloud))
    (tried,) = entries.directory(aging).glob("*.tried")
    os.utime(tried, (time.time() - 61,) * 2)
    ecr.get(aging)
    wait_until(lambda: cloud.calls[ECR_CALL] == 2)


@pytest.mark.parametrize("switch", [{"CI": "true"}, {"DOCKCRED_REFRESH": "off"}])
def test_switched_off_nothing_runs_behind(switch, ecr, cloud, aging):
    """At its end a CI job kills background processes, or waits for them."""
    first = ecr.get(aging | switch).password
    wait_until(lambda: not _refreshers(ecr, cloud))
    assert cloud.calls.total() == 0
    assert ecr.get(aging | switch).password == first


def test_an_sdk_identity_is_not_refreshed_behind(ecr, cloud):
    """An SDK may run a program or ask a person; only machine identities refresh."""
    environment = cloud.environment("credential-process")
    ecr.get(environment)
    path = entries.only(environment)
    entry = entries.read(path)
    entry.credential.issued_at -= 2400  # the credential process's keys live for an hour
    entry.credential.expires_at -= 2400
    entries.write(path, entry)
    cloud.reset()
    ecr.get(environment)
    wait_until(lambda: not _refreshers(ecr, cloud))
    assert cloud.calls.total() == 0


def test_a_failed_refresh_leaves_the_entry_as_it_was(ecr, cloud, aging):
    cloud.fail("ecr:access-denied")
    before = entries.only(aging).read_bytes()
    ecr.get(aging)
    wait_until(lambda: cloud.calls[ECR_CALL] == 1)
    wait_until(lambda: not _refreshers(ecr, cloud))
    assert entries.only(aging).read_bytes() == before
