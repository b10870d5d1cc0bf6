"""A file is renewed before it expires, for its owner alone, never by an older token."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import stat
import subprocess
import time
from pathlib import Path

import pytest
from support.program import HOST, PUBLIC, wait_until

pytestmark = pytest.mark.slow  # not one test, but all of them together are slow


def password(file: Path) -> str:
    """Return the password in a docker config.json."""
    auth = json.loads(file.read_text())["auths"][HOST]["auth"]
    return base64.b64decode(auth).decode().partition(":")[2]


def record(file: Path) -> dict[str, object]:
    """Return the file's record: the last line of the file beside it."""
    lines = (file.parent / f".{file.name}.dockcred").read_text().splitlines()
    return json.loads(lines[-1])


@pytest.fixture
def keeper(make_keeper, cloud):
    return make_keeper(cloud)


@pytest.fixture
def file(keeper) -> Path:
    path = keeper.home / "below/config.json"
    keeper.wants({"format": "docker-config", "registries": [HOST], "file": str(path)})
    return path


def test_once_writes_what_is_missing_and_leaves_what_is_young(keeper, file, cloud):
    (line,) = keeper.once()
    assert line.startswith(f"wrote {file}: it is good until 20")
    assert cloud.minted(password(file))
    before = file.stat()
    cloud.reset()
    assert keeper.once() == []
    assert file.stat() == before
    assert not cloud.calls


def test_it_is_its_owner_s_alone(keeper, file):
    keeper.once()
    for path in (file, file.parent / ".config.json.dockcred"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_a_mode_may_let_the_group_read_it(keeper, file):
    target = {"format": "docker-config", "registries": [HOST], "file": str(file)}
    keeper.wants(target | {"mode": "0640"})
    keeper.once()
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


def test_a_mode_that_is_taken_back_holds_from_the_next_look_on(keeper, file):
    target = {"format": "docker-config", "registries": [HOST], "file": str(file)}
    for mode in ("0640", "0600"):
        keeper.wants(target | {"mode": mode})
        keeper.once()
        assert stat.S_IMODE(file.stat().st_mode) == int(mode, 8)


def test_what_another_has_written_is_replaced(keeper, file):
    keeper.once()
    good = file.read_bytes()
    file.write_text("{}")
    assert len(keeper.once()) == 1
    assert file.read_bytes() == good


def test_a_target_that_was_changed_is_rendered_anew(keeper, file, cloud):
    keeper.once()
    keeper.wants(
        {
            "format": "docker-config",
            "registries": [HOST, PUBLIC],
            "file": str(file),
        }
    )
    assert len(keeper.once()) == 1
    assert set(json.loads(file.read_text())["auths"]) == {HOST, PUBLIC}


def test_an_older_token_never_replaces_a_newer_one(keeper, file):
    """Another refresher's token is past half its life, and expires later than ours."""
    keeper.once()
    newer = b'{"auths": {}}'
    file.write_bytes(newer)
    known = record(file) | {
        "sha256": hashlib.sha256(newer).hexdigest(),
        "issued_at": 0,
        "expires_at": int(time.time()) + 30_000_000,
    }
    beside = file.parent / ".config.json.dockcred"
    beside.write_text(json.dumps(known))
    assert keeper.once() == []
    assert file.read_bytes() == newer
    beside.write_text(json.dumps(known | {"expires_at": int(time.time()) + 60}))
    assert len(keeper.once()) == 1
    assert file.read_bytes() != newer


def test_a_file_is_renewed_before_its_end_as_long_as_the_loop_runs(
    make_keeper, brief_cloud
):
    keeper = make_keeper(brief_cloud)
    file = keeper.home / "config.json"
    keeper.wants({"format": "docker-config", "registries": [HOST], "file": str(file)})
    with keeper.start() as running:
        running.says("wrote", times=3)
        assert brief_cloud.minted(password(file))
    written = [line for line in running.said if "wrote" in line]
    assert running.said == written  # nothing went wrong
    assert len(set(written)) == len(written)


def test_two_loops_on_one_file_leave_a_whole_one(make_keeper, brief_cloud):
    first, second = make_keeper(brief_cloud), make_keeper(brief_cloud)
    file = first.home / "config.json"
    target = {"format": "docker-config", "registries": [HOST], "file": str(file)}
    for keeper in (first, second):
        keeper.wants(target)
    ends: list[object] = []
    with first.start() as one, second.start() as other:

        def renewed() -> bool:
            if file.exists() and (end := record(file)["expires_at"]) not in ends[-1:]:
                ends.append(end)
            return len(ends) >= 3

        wait_until(renewed)
    assert ends == sorted(ends)
    assert one.said + other.said == [
        line for line in one.said + other.said if line.startswith("wrote ")
    ]


def test_the_cloud_away_keeps_the_old_and_says_until_when(make_keeper, brief_cloud):
    keeper = make_keeper(brief_cloud, DOCKCRED_CACHE="off")
    file = keeper.home / "config.json"
    keeper.wants({"format": "docker-config", "registries": [HOST], "file": str(file)})
    with keeper.start() as running:
        running.says("wrote")
        brief_cloud.fail("access-denied")
        old = file.read_bytes()
        running.says("(what is there is good until")
        assert file.read_bytes() == old
        running.says("(what is there ended at")
        assert file.read_bytes() == old
        brief_cloud.recover()
        running.says("wrote", times=2)
    assert brief_cloud.minted(password(file))
    warnings = [line for line in running.said if not line.startswith("wrote")]
    assert all(line.startswith(f"dockcred: {file}: {HOST}: ") for line in warnings)


def test_once_fails_in_one_line_for_each_target_and_does_the_others(
    make_keeper, cloud, tmp_path
):
    keeper = make_keeper(cloud)
    good, bad = tmp_path / "good.json", tmp_path / "bad.json"
    keeper.wants(
        {
            "format": "docker-config",
            "registries": ["210987654321.dkr.ecr.eu-west-1.amazonaws.com.example"],
            "file": str(bad),
        },
        {"format": "docker-config", "registries": [HOST], "file": str(good)},
    )
    (line,) = keeper.fails("--once")
    assert line.startswith(f"{bad}: ")
    assert "no identity answers for 210987654321" in line
    assert good.exists()
    assert not bad.exists()


def test_a_directory_that_cannot_be_written_is_named(make_keeper, cloud):
    keeper = make_keeper(cloud)
    keeper.wants(
        {
            "format": "docker-config",
            "registries": [HOST],
            "file": "/proc/nowhere/config.json",
        }
    )
    (line,) = keeper.fails("--once")
    assert line.startswith("/proc/nowhere/config.json: /proc/nowhere: ")


def test_a_full_disk_keeps_the_old(make_keeper, cloud, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("a small file system needs root")
    keeper = make_keeper(cloud)
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", small], check=True
    )
    try:
        file = small / "config.json"
        keeper.wants(
            {"format": "docker-config", "registries": [HOST], "file": str(file)}
        )
        keeper.once()
        old = file.read_bytes()
        keeper.wants(
            {
                "format": "docker-config",
                "registries": [HOST, PUBLIC],
                "file": str(file),
            }
        )
        with (small / "filler").open("wb", buffering=0) as filler:
            try:
                while filler.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        (line,) = keeper.fails("--once")
        assert "No space left on device" in line
        assert file.read_bytes() == old
        assert sorted(p.name for p in small.iterdir()) == [
            ".config.json.dockcred",
            "config.json",
            "filler",
        ]
    finally:
        subprocess.run(["umount", small], check=True)


@pytest.mark.parametrize("kind", ["link", "owned by another"])
def test_a_stranger_s_record_is_refused(kind, keeper, file):
    """A stranger who can write the record could prevent the renewal of the file."""
    if kind == "owned by another" and os.geteuid() != 0:
        pytest.skip("to give a file away needs root")
    file.parent.mkdir(mode=0o700)
    beside = file.parent / ".config.json.dockcred"
    theirs = file.parent / "theirs"
    theirs.touch(mode=0o600)
    if kind == "link":
        beside.symlink_to(theirs)
    else:
        os.chown(theirs, 65534, 65534)
        theirs.rename(beside)
    (line,) = keeper.fails("--once")
    assert str(beside) in line
    assert not file.exists()
