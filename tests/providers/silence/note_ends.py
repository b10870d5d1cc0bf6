"""A note is a file by which a launcher repeats the answer "no identity was found".

Each condition of a note is broken once, and then the full program must run.

unshare --net --mount --uts python -m providers.silence.note_ends SCENE PROGRAMS HOME
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from support.program import Program

from dockcred.system.cloud import HOLDS_S
from dockcred.wiring import PROGRAMS, provider

from .laptop import HELPERS, LEFT_OUT, ip
from .noted import HANDED_OVER, Noted

NO_SAY = ("/proc/", "/sys/", "/dev/", "/usr/", "/lib", "/bin/", "/etc/ld.so.")


def any_variable_that_had_a_say_ends_it(laptop: Noted) -> None:
    for which, (program, _) in HELPERS.items():
        laptop.memory.unlink(missing_ok=True)
        laptop.prime(which)
        served = provider(PROGRAMS[program])
        names = {
            *served.variables,
            *served.secrets,
            *("DOCKCRED_ANONYMOUS", "DOCKCRED_ON_MISS", "DOCKCRED_LOG"),
            *("DOCKCRED_CACHE", "DOCKCRED_CACHE_DIR", "XDG_CACHE_HOME"),
            *(["PATH"] if which == "acr" else []),
        }
        for name in sorted(names):
            assert not laptop.is_told_again(which, **{name: "x"}), (which, name)
        assert not laptop.is_told_again(which, DOCKCRED_CONFIG="")
        assert laptop.is_told_again(which, LANG="C.UTF-8", DOCKCRED_TIMEOUT="30")


def a_secret_stands_in_no_note(laptop: Noted) -> None:
    """A note has a secret's name only; if a URL may hold one, no note is written."""
    secret = {"AZURE_CLIENT_SECRET": "s3cr3t"}
    assert laptop.get("acr", **secret).status == 1
    assert laptop.is_told_again("acr", **secret)
    assert "s3cr3t" not in laptop.note("acr").read_text()
    assert not laptop.is_told_again("acr")
    for value in ("http://user:s3cr3t@proxy.example", "", "a b"):
        laptop.note("acr").unlink()
        assert laptop.get("acr", HTTPS_PROXY=value).status == 1
        assert not list(laptop.memory.parent.glob("*.silent"))
        laptop.prime("acr")


def any_file_that_had_a_say_ends_it(laptop: Noted) -> None:
    (laptop.home / ".config/dockcred").mkdir(parents=True)
    (laptop.home / ".aws").mkdir()
    (laptop.home / ".aws/config").write_text("[default]\nregion = eu-west-1\n")
    laptop.prime()
    seen = set()
    for which in HELPERS:
        for line in laptop.note(which).read_text().splitlines():
            kind, path, *_ = [*line.split("\t"), ""]
            if kind != "file" or not path.startswith(str(laptop.home)):
                continue
            seen.add(path.removeprefix(f"{laptop.home}/"))
            file = Path(path)
            is_new = not file.exists()
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("#\n")
            assert not laptop.is_told_again(which), path
            if is_new:
                file.unlink()
            else:
                laptop.prime(which)
            assert laptop.is_told_again(which), path
    assert seen == {
        ".aws/config",
        ".aws/credentials",
        ".config/dockcred/config.toml",
        ".config/gcloud/active_config",
        ".config/gcloud/application_default_credentials.json",
        ".config/gcloud/configurations/config_default",
        ".config/gcloud/credentials.db",
        *(f"bin/{program}" for program in ("az", "azd", "pwsh")),
    }


def all_that_is_looked_at_stands_in_the_note(laptop: Noted) -> None:
    """strace shows each file that the full program looks at when it finds nobody."""
    if not shutil.which("strace"):
        sys.exit(f"{LEFT_OUT}strace is not installed")
    laptop.prime()
    starting = _looked_at(laptop, "sh", "-c", f"exec {laptop.python} -I -S -c pass")
    for which, (program, host) in HELPERS.items():
        laptop.note(which).unlink()
        found = _looked_at(laptop, laptop.launchers / program, "get", stdin=host)
        noted = laptop.note(which).read_text()
        of_python = Path(laptop.python).parents[1]
        of_its_own = (laptop.memory.parent, laptop.launchers, *laptop.imports)
        left = {
            path
            for path in found - starting
            if f"\nfile\t{path}\t" not in noted
            # A throttled process writes it: the metadata service has answered then.
            and not path.endswith(".turn")
            and not path.startswith((*NO_SAY, *map(str, (*of_its_own, of_python))))
        }
        # The owners of these directories are checked, for the cache and the imports.
        places = (laptop.home / ".cache", *map(Path, laptop.imports))
        left -= {str(each) for place in places for each in (place, *place.parents)}
        assert not left, (which, sorted(left))
        assert any(path.endswith("config.toml") for path in found)


def _looked_at(laptop: Noted, *command: str | Path, stdin: str = "") -> set[str]:
    """Return the absolute paths in a command's system calls."""
    trace = laptop.home / "trace"
    tool = ("strace", "-f", "-qq", "-s", "4096", "-o", trace, "-e", "trace=%file")
    subprocess.run(
        [*tool, *command],
        input=stdin.encode(),
        env=laptop.variables(),
        capture_output=True,
        check=False,
    )
    # Skip paths that an argument quotes; strace cuts them short.
    found = re.findall(r'(?<!\\)"(/[^"]*)"', trace.read_text())
    return {os.path.normpath(path) for path in found}


def another_network_host_boot_or_mount_ends_it(laptop: Noted) -> None:
    laptop.prime("gcr")
    program, host = HELPERS["gcr"]
    done = subprocess.run(
        ["unshare", "--mount", laptop.twins / program, "get"],
        input=host.encode(),
        env=laptop.variables(),
        check=False,
    )
    assert done.returncode == HANDED_OVER
    assert laptop.is_told_again("gcr")
    ip("route add 198.51.100.0/24 via 192.0.2.1")
    assert not laptop.is_told_again("gcr")
    laptop.prime("gcr")
    socket.sethostname("another")
    assert not laptop.is_told_again("gcr")
    laptop.prime("gcr")
    boot = laptop.home / "boot"
    boot.write_text("00000000-0000-4000-8000-000000000000\n")
    place = "/proc/sys/kernel/random/boot_id"
    subprocess.run(["mount", "--bind", boot, place], check=True)
    assert not laptop.is_told_again("gcr")


def its_time_is_that_of_the_silence(laptop: Noted) -> None:
    laptop.prime("gcr")
    at = laptop.note("gcr").read_text().split("\n")[2]
    assert at == laptop.memory.read_text().split("\n")[1]
    later = laptop.note("gcr").stat().st_mtime - laptop.memory.stat().st_mtime
    assert abs(later) < 5, "whoever prunes the cache removes it in time"
    for seconds, told in ((HOLDS_S - 10, True), (HOLDS_S, False), (-30, False)):
        with laptop.edited("gcr", at, repr(float(at) - seconds)):
            assert laptop.is_told_again("gcr") == told, seconds


def a_note_is_for_one_place_and_whole(laptop: Noted) -> None:
    laptop.prime("gcr")
    note = laptop.note("gcr")
    other = note.with_name(note.name.replace("gcr.io", "eu.gcr.io"))
    shutil.copy(note, other)
    program, _ = HELPERS["gcr"]
    twin = Program(str(laptop.twins / program))
    assert twin.get(laptop.variables(), "eu.gcr.io").status == HANDED_OVER
    assert twin.get(laptop.variables(), "gcr.io:443").status == HANDED_OVER
    for old, new in (
        ("\nend", ""),
        ("\nend", "\nend\n"),
        ("\nend", "\nodd\tx\t\nend"),
        ("silence ", "silence 0"),
        (" gcr.io ", " eu.gcr.io "),
        (str(note), str(other)),
        ("\tHOME\t", "\tHOME\t/"),
    ):
        with laptop.edited("gcr", old, new):
            assert not laptop.is_told_again("gcr"), (old, new)
    assert laptop.is_told_again("gcr")


def a_note_that_others_could_have_written_is_none(laptop: Noted) -> None:
    laptop.prime("gcr")
    note = laptop.note("gcr")
    away = laptop.home / "away"
    undone: list[tuple[Callable[[], object], Callable[[], object]]] = [
        (lambda: note.chmod(0o644), lambda: note.chmod(0o600)),
        (lambda: os.chown(note, 1001, -1), lambda: os.chown(note, 0, -1)),
        (lambda: os.link(note, away), away.unlink),
        (lambda: note.parent.chmod(0o777), lambda: note.parent.chmod(0o700)),
        (
            lambda: (note.rename(away), note.symlink_to(away)),
            lambda: (note.unlink(), away.rename(note)),
        ),
        (
            lambda: (note.rename(away), os.mkfifo(note)),
            lambda: (note.unlink(), away.rename(note)),
        ),
    ]
    for number, (do, undo) in enumerate(undone):
        do()
        assert not laptop.is_told_again("gcr"), number
        undo()
        assert laptop.is_told_again("gcr"), number


SCENES = {
    scene.__name__: scene
    for scene in (
        any_variable_that_had_a_say_ends_it,
        a_secret_stands_in_no_note,
        any_file_that_had_a_say_ends_it,
        all_that_is_looked_at_stands_in_the_note,
        another_network_host_boot_or_mount_ends_it,
        its_time_is_that_of_the_silence,
        a_note_is_for_one_place_and_whole,
        a_note_that_others_could_have_written_is_none,
    )
}


if __name__ == "__main__":
    SCENES[sys.argv[1]](Noted(Path(sys.argv[2]), Path(sys.argv[3])))
