"""A launcher repeats "no identity was found" without the full program.

unshare --net --mount --uts python -m providers.silence.told_again SCENE PROGRAMS HOME
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.program import NOT_FOUND, Program

from dockcred.system.cloud import ADDRESS

from .laptop import HELPERS, ip, is_asked_in_full
from .noted import HANDED_OVER, Noted

IDENTITIES = {
    "ecr": "instance-profile",
    "acr": "azure-imds",
    "gcr": "google-metadata",
}
_SHELLS = (["dash"], ["bash"], ["busybox", "sh"])


def it_is_told_in_the_same_words(laptop: Noted) -> None:
    for which, (program, host) in HELPERS.items():
        first = laptop.get(which)
        assert first.status == 1
        again, before = laptop.twin(which), laptop.packets()
        full = Program(str(laptop.programs / program)).get(laptop.variables(), host)
        said, told = (
            [re.sub(rb"(?<=silent )\d+", b"N", x) for x in (a.stdout, a.stderr)]
            for a in (full, again)
        )
        assert told == said
        assert again.status == full.status == 1
        assert laptop.packets() - before == 1
        assert laptop.note(which).stat().st_mode & 0o777 == 0o600
    assert b"was silent" in laptop.twin("ecr").stdout
    assert laptop.twin("gcr").stdout == NOT_FOUND


def each_sh_tells_it(laptop: Noted) -> None:
    laptop.prime("gcr")
    program, host = HELPERS["gcr"]
    for shell in _SHELLS:
        if not shutil.which(shell[0]):
            continue
        for stdin in (host, f"{host}\n", f"https://{host}/v2/"):
            done = subprocess.run(
                [*shell, laptop.twins / program, "get"],
                input=stdin.encode(),
                env=laptop.variables(),
                capture_output=True,
                check=False,
            )
            assert (done.returncode, done.stdout) == (1, NOT_FOUND), (shell, done)


def a_service_that_comes_up_is_found_at_the_next_get(laptop: Noted) -> None:
    """As on an instance whose metadata service starts 20 seconds after the boot."""
    for which, identity in IDENTITIES.items():
        with laptop.service(identity) as (cloud, rest):
            ip(f"address del {ADDRESS}/32 dev lo")
            assert laptop.ask(which, rest).status == 1
            assert laptop.is_told_again(which, **rest)
            ip(f"address add {ADDRESS}/32 dev lo")
            answer = laptop.ask(which, rest)
            assert answer.status == 0, answer
            assert cloud.calls


def what_refuses_a_connection_is_not_silent(laptop: Noted) -> None:
    laptop.prime()
    ip(f"address add {ADDRESS}/32 dev lo")
    for which in HELPERS:
        assert not laptop.is_told_again(which)
    ip(f"address del {ADDRESS}/32 dev lo")
    ip("link set away down")  # unreachable, and a change of the network
    assert not laptop.is_told_again("gcr")


def nobody_chosen_is_noted(laptop: Noted) -> None:
    """No note is written for chosen identities, nor if programs or settings matter."""
    (laptop.home / "bin").mkdir()
    config = laptop.home / ".config/dockcred/config.toml"
    config.parent.mkdir(parents=True)
    gcloud = laptop.home / ".config/gcloud/credentials.db"

    def program() -> None:
        (laptop.home / "bin/az").symlink_to("/bin/false")

    def login() -> None:
        gcloud.parent.mkdir()
        gcloud.touch()

    address = f"http://{ADDRESS}"
    cases: tuple[tuple[str, dict[str, str], Callable[[], object]], ...] = (
        ("ecr", {"AWS_EC2_METADATA_SERVICE_ENDPOINT": address}, lambda: None),
        ("ecr", {"DOCKCRED_ROAD": "direct"}, lambda: None),
        ("gcr", {"GCE_METADATA_HOST": ADDRESS}, lambda: None),
        ("gcr", {"DOCKCRED_ON_MISS": "not-found"}, lambda: None),
        ("gcr", {}, lambda: config.write_text('on_miss = "not-found"\n')),
        ("gcr", {}, lambda: config.write_text(f'metrics = "{laptop.home}"\n')),
        ("gcr", {}, login),
        ("acr", {}, program),
    )
    assert is_asked_in_full(laptop.get("ecr"))
    for which, variables, change in cases:
        for note in laptop.memory.parent.glob("*.silent"):
            note.unlink()
        change()
        assert laptop.get(which, **variables).status == 1
        left = list(laptop.memory.parent.glob("*.silent"))
        assert not left, (which, variables, change)
        config.unlink(missing_ok=True)
        gcloud.unlink(missing_ok=True)


def a_plain_program_leaves_no_note(laptop: Noted) -> None:
    program, host = HELPERS["gcr"]
    for _ in range(2):
        Program(str(laptop.programs / program)).get(laptop.variables(), host)
    assert laptop.memory.exists()
    assert not list(laptop.memory.parent.glob("front,*"))


def nomads_agent_is_told_more(laptop: Noted) -> None:
    laptop.prime("gcr")
    program, host = HELPERS["gcr"]
    agent = laptop.home / "nomad"
    shutil.copy(os.path.realpath("/bin/sh"), agent)
    done = subprocess.run(
        [agent, "-c", '"$0" get; exit $?', laptop.twins / program],
        input=host.encode(),
        env=laptop.variables(),
        check=False,
    )
    assert done.returncode == HANDED_OVER


def a_logout_or_a_cleared_cache_leaves_none(laptop: Noted) -> None:
    laptop.prime("gcr", "acr")
    program, host = HELPERS["gcr"]
    erased = Program(str(laptop.launchers / program))(
        "erase", environment=laptop.variables(), stdin=host.encode()
    )
    assert erased.status == 0
    assert not laptop.is_told_again("gcr")
    laptop.prime("gcr")
    dockcred = Program(str(laptop.programs / "dockcred"))
    assert dockcred("cache", "--clear", environment=laptop.variables()).status == 0
    assert not laptop.is_told_again("gcr")
    assert is_asked_in_full(laptop.get("ecr"))


def a_closed_stream_is_no_obstacle(laptop: Noted) -> None:
    laptop.prime("ecr")
    program, host = HELPERS["ecr"]
    for closed in (">&-", "2>&-", ">&- 2>&-", "1>/dev/full"):
        done = subprocess.run(
            ["sh", "-c", f'"$0" get {closed}', laptop.twins / program],
            input=host.encode(),
            env=laptop.variables(),
            capture_output=True,
            check=False,
        )
        assert done.returncode == 1, (closed, done)
        assert b"Traceback" not in done.stderr
    assert b"was silent" in done.stderr


SCENES = {
    scene.__name__: scene
    for scene in (
        it_is_told_in_the_same_words,
        each_sh_tells_it,
        a_service_that_comes_up_is_found_at_the_next_get,
        what_refuses_a_connection_is_not_silent,
        nobody_chosen_is_noted,
        a_plain_program_leaves_no_note,
        nomads_agent_is_told_more,
        a_logout_or_a_cleared_cache_leaves_none,
        a_closed_stream_is_no_obstacle,
    )
}


if __name__ == "__main__":
    SCENES[sys.argv[1]](Noted(Path(sys.argv[2]), Path(sys.argv[3])))
