"""Files whose times cannot distinguish two writes are compared by their content.

For the tests a file system with times in seconds is mounted from a file: ext2 with
small inodes.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from protocol.launcher.launched import SHELLS, Launched
from support.program import HOST

from dockcred.credential import ServerURL
from dockcred.identity import cache
from dockcred.identity import config as compiled
from dockcred.identity.cache.files import Cache
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import Sandbox

KEY = HOST.encode()
TIMES = 5


@pytest.fixture(scope="module")
def seconds(tmp_path_factory):
    """A directory on a file system whose times are in seconds."""
    if os.geteuid() != 0 or shutil.which("mkfs.ext2") is None:
        pytest.skip("mounting needs root and mkfs.ext2")
    image = tmp_path_factory.mktemp("image") / "ext2"
    with image.open("wb") as file:
        file.truncate(4 << 20)
    subprocess.run(
        ["mkfs.ext2", "-q", "-I", "128", image], check=True, capture_output=True
    )
    place = tmp_path_factory.mktemp("seconds")
    done = subprocess.run(
        ["mount", "-o", "loop", image, place], check=False, capture_output=True
    )
    if done.returncode:
        pytest.skip("no loop device to mount")
    yield place
    subprocess.run(["umount", place], check=True)


def within_one_second(write, first: str, second: str, between) -> None:
    """Write twice within one second of the clock; call `between` between the writes."""
    for _ in range(TIMES):
        time.sleep(1.02 - time.time() % 1)
        began = int(time.time())
        write(first)
        between()
        write(second)
        if int(time.time()) == began:
            return
    pytest.skip("this machine is too busy to do it in one second")


def test_a_look_sees_what_times_do_not(seconds) -> None:
    path = seconds / "file"
    looks = []
    within_one_second(
        path.write_text,
        "one",
        "two",
        lambda: looks.append(cache.stat_signature(str(path))),
    )
    assert cache.stat_signature(str(path)) != looks[-1]
    assert cache.stat_signature(str(path)) == cache.stat_signature(str(path))


def test_a_clock_of_fractions_needs_no_content(tmp_path, monkeypatch) -> None:
    """With fractions of seconds, no file is opened to compare it."""
    path = tmp_path / "file"
    path.write_text("one")
    monkeypatch.setattr(cache, "_sum_of", pytest.fail)
    assert cache.stat_signature(str(path)).count(":") == 3
    assert cache.stat_signature(str(tmp_path)).count(":") == 3


@pytest.mark.parametrize("kind", ["file", "token"])
def test_a_condition_sees_the_second_write(seconds, kind) -> None:
    path = seconds / kind
    files, tokens = ([str(path)], []) if kind == "file" else ([], [str(path)])
    held = []
    within_one_second(
        path.write_text,
        "a.b.c",
        "a.b.d",
        lambda: held.extend(cache.conditions(files, tokens)),
    )
    assert not cache.is_valid(held[-1], Environment({}))


def test_the_copy_of_a_configuration_sees_the_second_write(seconds, tmp_path) -> None:
    """The second text has the first one's length, and overwrites it in place."""
    file = seconds / "config.toml"
    place = tmp_path / "cache"
    place.mkdir(mode=0o700)

    def registry() -> str:
        config = compiled.open_config(
            Environment({"DOCKCRED_CONFIG": str(file)}), lambda: Cache(str(place))
        )
        return config.settings_for(ServerURL.parse("a.example"))["registry"]

    def write(name: str) -> None:
        file.write_text(
            f'[[registry]]\nmatch = "a.example"\nregistry = "{name}.example"\n'
        )

    seen = []
    within_one_second(write, "b", "c", lambda: seen.append(registry()))
    assert (seen[-1], registry()) == ("b.example", "c.example")


@pytest.fixture(scope="module")
def launched(helper_bin: Path, tmp_path_factory) -> Launched:
    return Launched(helper_bin, tmp_path_factory.mktemp("launcher"))


@pytest.mark.parametrize("shell", SHELLS)
def test_credentials_that_change_twice_in_a_second_are_seen(
    launched, seconds, shell
) -> None:
    """Python sees the change, and writes no ticket, so the front does not answer."""
    if shutil.which(SHELLS[shell][0]) is None:
        pytest.skip(f"{shell} is not installed")
    with Sandbox() as cloud:
        environment = dict(cloud.environment("shared-credentials"))
        theirs = Path(environment["HOME"]) / ".aws/credentials"
        text = theirs.read_text()
        file = seconds / f"credentials-{shell}"
        environment["AWS_SHARED_CREDENTIALS_FILE"] = str(file)
        broken = text.replace("aws_access_key_id = A", "aws_access_key_id = B")
        assert broken != text
        answers = []

        def ask() -> None:
            answers.append(launched(KEY, environment, shell=shell))

        within_one_second(file.write_text, text, broken, ask)
        assert answers[-1].status == 0
        ask()
        assert answers[-1].status != 0
        assert not list(Path(environment["HOME"]).glob(".cache/dockcred/front,*"))
