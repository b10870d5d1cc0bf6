"""A client reads its file before we write it, and then writes all of it back."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from support.program import BUSY_S

from dockcred.clients.docker import edit as docker_edit
from dockcred.clients.edit import json_text
from dockcred.clients.edit.client_file import EditableFile
from dockcred.errors import InvalidInputError
from dockcred.stores.auth_file import AuthFile
from dockcred.stores.problems import KeychainError
from dockcred.system import shared_file

# Like docker: read the whole file, ask the registry, write the whole file.
DOCKER = """
import json, os, sys
path = sys.argv[3]
content = json.load(open(path))
print(flush=True)
sys.stdin.readline()
content.setdefault("auths", {})["new.example"] = {"auth": "bmV3Om5ldw=="}
with open(path + "815", "w") as file:
    json.dump(content, file)
os.rename(path + "815", path)
"""
OLD = {"auth": base64.b64encode(b"user:old").decode()}
NEW = {"auth": base64.b64encode(b"user:new").decode()}

linux = pytest.mark.skipif(sys.platform != "linux", reason="there is no /proc")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / ".docker/config.json"
    path.parent.mkdir()
    path.write_text(json.dumps({"auths": {"old.example": OLD}}))
    return path


@contextmanager
def client(
    config: Path, name: str = "docker", verb: str = "login", home: Path | None = None
) -> Iterator[subprocess.Popen]:
    """Start a client, which has read the file when this yields; kill it at the end."""
    words = (name, "-c", DOCKER, verb, "r.example", str(config))
    # After `-c CODE` Python passes all further arguments to the code.
    with subprocess.Popen(
        words,
        executable=sys.executable,
        env={"HOME": str(home or config.parent.parent)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as started:
        assert started.stdout.readline()
        try:
            yield started
        finally:
            started.kill()


def let_write(started: subprocess.Popen, when: subprocess.Popen) -> None:
    """Let the client write, after our program `when` has ended or 1.5 s have passed.

    Our program does not end if it waits for the client, as it should.
    """
    with suppress(subprocess.TimeoutExpired):
        when.wait(1.5)
    started.stdin.write(b"\n")
    started.stdin.flush()


def start(config: Path, *words: str) -> subprocess.Popen:
    programs = Path(sys.executable).parent
    home = str(config.parent.parent)
    return subprocess.Popen(
        [str(programs / "dockcred"), *words],
        env={
            "HOME": home,
            "PATH": f"{programs}:/usr/bin:/bin",
            "DOCKCRED_VAULT_FILE": f"{home}/vault",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(ours: subprocess.Popen) -> int:
    """Return our program's exit status; print its output if that is not 0."""
    said, wrong = ours.communicate(timeout=120)
    if ours.returncode:
        print(said, wrong)
    return ours.returncode


def wait_for(config: Path, word: str, *, there: bool) -> None:
    give_up = time.monotonic() + BUSY_S
    while (word in config.read_text()) != there:
        assert time.monotonic() < give_up
        time.sleep(0.01)


@linux
def test_what_docker_writes_back_over_configure_is_put_right(config: Path) -> None:
    with client(config) as docker:
        words = ("docker", "--registry", "a.example", "--helper", "keyring")
        ours = start(config, "configure", *words)
        wait_for(config, "a.example", there=True)
        let_write(docker, when=ours)
        assert ended(ours) == 0
        assert docker.wait(BUSY_S) == 0
    found = json.loads(config.read_text())
    assert found["credHelpers"] == {"a.example": "keyring"}
    assert set(found["auths"]) == {"old.example", "new.example"}


@linux
def test_what_docker_writes_back_over_undo_is_put_right(config: Path) -> None:
    words = ("docker", "--registry", "a.example", "--helper", "keyring")
    assert ended(start(config, "configure", *words)) == 0
    with client(config) as docker:
        ours = start(config, "configure", "docker", "--undo")
        wait_for(config, "a.example", there=False)
        let_write(docker, when=ours)
        assert ended(ours) == 0
        assert docker.wait(BUSY_S) == 0
    found = json.loads(config.read_text())
    assert set(found["auths"]) == {"old.example", "new.example"}
    assert "credHelpers" not in found
    assert os.listdir(config.parent) == ["config.json"]


@linux
def test_what_docker_writes_back_over_import_is_removed_again(config: Path) -> None:
    key = str(config.parent.parent / "key")
    assert ended(start(config, "vault", "create", "--key-file", key)) == 0
    with client(config) as docker:
        ours = start(config, "import", "docker", "--remove", "--to", "vault")
        wait_for(config, OLD["auth"], there=False)
        let_write(docker, when=ours)
        assert ended(ours) == 0
        assert docker.wait(BUSY_S) == 0
    assert set(json.loads(config.read_text())["auths"]) == {"new.example"}


@linux
@pytest.mark.parametrize(
    ("name", "verb", "elsewhere", "waited"),
    [
        ("docker", "login", False, True),
        ("/usr/bin/podman", "logout", False, True),
        ("docker", "ps", False, False),
        ("docker-proxy", "login", False, False),
        ("docker", "login", True, False),
    ],
)
def test_those_are_waited_for_that_may_write_the_file(
    config: Path, tmp_path: Path, name: str, verb: str, elsewhere: bool, waited: bool
) -> None:
    home = tmp_path / "elsewhere" if elsewhere else None
    with client(config, name, verb, home) as started:
        told = shared_file.wait(str(config), max_wait_s=0)
        assert told == (
            f"{os.path.basename(name)} {verb} (process {started.pid})" if waited else ""
        )
    assert shared_file.wait(str(config), max_wait_s=0) == ""


def test_one_that_does_not_end_is_told_with_an_error(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """We cannot know what the client writes later, so this is no success."""
    monkeypatch.setattr(shared_file, "wait", lambda _: "docker login (process 1)")
    file = EditableFile(str(config), json_text)
    with pytest.raises(InvalidInputError, match=r"docker login \(process 1\)"):
        file.commit(
            lambda text: docker_edit.use_helper_for(text, ["a.example"], "auto")
        )
    with pytest.raises(InvalidInputError, match=r"docker login \(process 1\)"):
        file.give_back()
    source = AuthFile(str(config))
    source.read("old.example")
    with pytest.raises(KeychainError, match=r"docker login \(process 1\)"):
        source.remove(["old.example"])


def test_a_login_that_came_after_the_import_has_read_stays(config: Path) -> None:
    source = AuthFile(str(config))
    assert source.read("old.example").secret == "old"
    config.write_text(json.dumps({"auths": {"old.example": NEW, "b.example": NEW}}))
    assert source.remove(["old.example"]) == []
    assert json.loads(config.read_text())["auths"]["old.example"] == NEW


def test_a_file_that_others_change_without_end_is_an_error(
    config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_file, "swap", lambda *_, **__: False)
    monkeypatch.setattr(shared_file.time, "sleep", lambda _: None)
    before = config.read_bytes()
    file = EditableFile(str(config), json_text)
    with pytest.raises(InvalidInputError, match="goes on changing"):
        file.commit(
            lambda text: docker_edit.use_helper_for(text, ["a.example"], "auto")
        )
    source = AuthFile(str(config))
    source.read("old.example")
    with pytest.raises(KeychainError, match="goes on changing"):
        source.remove(["old.example"])
    assert config.read_bytes() == before
    assert os.listdir(config.parent) == ["config.json"]


def test_twenty_at_once_are_all_there_and_all_undone(config: Path) -> None:
    before = config.read_bytes()
    crowd = [
        start(config, "configure", "docker", "--helper", "keyring", "--registry", host)
        for host in (f"r{number}.example" for number in range(20))
    ]
    assert [ended(one) for one in crowd] == [0] * 20
    found = json.loads(config.read_text())["credHelpers"]
    assert set(found) == {f"r{number}.example" for number in range(20)}
    assert ended(start(config, "configure", "docker", "--undo")) == 0
    assert config.read_bytes() == before
    assert os.listdir(config.parent) == ["config.json"]
