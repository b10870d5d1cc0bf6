"""However `dockcred exec` ends, its directory is removed, and no secret leaks."""

from __future__ import annotations

import errno
import json
import os
import re
import select
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.program import BUSY_S, HOST, processes_of, wait_until

from dockcred.errors import DockcredError
from dockcred.system import private_directory, watcher
from dockcred.testing.sandbox import Sandbox

from .conftest import Caller, in_mounts

WAITS = ("sh", "-c", "echo ready; read line; exit 4")


@pytest.fixture
def running(caller: Caller):
    """A waiting command that has inherited one more open file descriptor."""
    kept = os.open("/dev/zero", os.O_RDONLY)
    with caller.start(*WAITS, pass_fds=(kept,)) as process:
        os.close(kept)
        assert process.stdout.readline() == "ready\n"
        yield process
        with suppress(ProcessLookupError):
            process.kill()


def the_watcher(caller: Caller) -> int:
    (directory,) = caller.left()
    (pid,) = wait_until(lambda: processes_of(f"{caller.place}/{directory}"))
    return pid


def test_at_exit_nothing_is_left(caller: Caller, running) -> None:
    assert len(caller.left()) == 1
    running.communicate("\n")
    assert running.returncode == 4
    assert caller.leaves_nothing()
    assert wait_until(lambda: not processes_of(caller.place))


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL]
)
def test_after_a_signal_nothing_is_left(caller: Caller, running, number: int) -> None:
    watcher = the_watcher(caller)
    running.send_signal(number)
    assert running.wait(BUSY_S) == -number
    assert caller.leaves_nothing()
    wait_until(lambda: not os.path.exists(f"/proc/{watcher}"))


def test_the_watcher_is_not_ended_by_what_ends_a_group(caller: Caller, running) -> None:
    """systemd sends SIGTERM to all processes of a service; the watcher ignores it."""
    watcher = the_watcher(caller)
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        os.kill(watcher, number)
    assert caller.left()
    running.communicate("\n")
    assert caller.leaves_nothing()


def test_what_a_killed_watcher_leaves_the_next_run_removes(
    caller: Caller, running
) -> None:
    """But not while the command runs: it goes on without a watcher."""
    os.kill(the_watcher(caller), signal.SIGKILL)
    another(caller)
    assert len(caller.left()) == 1
    running.communicate("\n")
    assert running.returncode == 4
    another(caller)
    assert not caller.left()


def test_after_both_are_killed_the_next_run_of_any_command_cleans_up(
    caller: Caller, running
) -> None:
    os.kill(the_watcher(caller), signal.SIGKILL)
    running.kill()
    running.wait()
    assert len(caller.left()) == 1
    another(caller)
    assert not caller.left()


def another(caller: Caller) -> None:
    """Run another command of ours, which removes what ended commands left."""
    completion = [caller.dockcred, "completion", "bash"]
    subprocess.run(completion, env=caller.environment, check=True, capture_output=True)


def test_only_what_is_ours_and_says_so_is_removed(
    caller: Caller, running, root: None
) -> None:
    """A link of that name, its target and another user's directory must stay."""
    (name,) = caller.left()
    running.kill()
    running.wait()
    assert caller.leaves_nothing()
    place = Path(caller.place)
    precious = place / "precious"
    precious.mkdir()
    (precious / "file").touch()
    (place / f"{name}0").symlink_to(precious)
    foreign = place / f"{name}1"
    foreign.mkdir()
    os.chown(foreign, 65534, 65534)
    ours = place / f"{name}2"
    ours.mkdir()
    (ours / "link").symlink_to(precious)
    (ours / "file-link").symlink_to(precious / "file")
    for other in (f"{name}_x", name.replace("exec", "else"), f"x{name}"):
        (place / other).mkdir()
    before = set(caller.left())
    another(caller)
    assert set(caller.left()) == before - {ours.name}
    assert (precious / "file").exists()


def test_another_host_s_and_another_container_s_are_left_alone(
    caller: Caller, running
) -> None:
    """Hosts may share a home. No process of an earlier boot of this host is alive."""
    prefix, host, boot, namespace, *rest = caller.left()[0].split("_")
    running.kill()
    running.wait()
    assert caller.leaves_nothing()
    names = {
        "another host": (prefix, "other", boot, namespace, *rest),
        "another container": (prefix, host, boot, "1", *rest),
        "a boot that nobody knows": (prefix, host, "-", namespace, *rest),
        "an earlier boot": (prefix, host, "00000000", namespace, *rest),
    }
    for name in names.values():
        (Path(caller.place) / "_".join(name)).mkdir()
    another(caller)
    gone = {what for what, name in names.items() if "_".join(name) not in caller.left()}
    assert gone == {"an earlier boot"}


@given(st.text() | st.lists(st.text("-_.0123456789ab")).map("_".join))
def test_no_name_but_one_of_ours_is_judged(name: str) -> None:
    assert not private_directory.has_ended(name)
    assert not private_directory.has_ended(f"dockcred-exec_{name}")


def test_fifty_at_once_leave_nothing_and_ask_nobody_again(
    caller: Caller, cloud: Sandbox
) -> None:
    caller.password()
    cloud.reset()
    script = f"grep -q {HOST} $DOCKER_CONFIG/config.json && echo $DOCKER_CONFIG"
    running = [caller.start("sh", "-c", script) for _ in range(50)]
    said = [process.communicate()[0] for process in running]
    assert [process.returncode for process in running] == [0] * 50
    assert len(set(said)) == 50
    assert caller.leaves_nothing()
    assert wait_until(lambda: not processes_of(caller.place))
    assert cloud.calls.total() == 0


def test_no_process_and_no_file_holds_the_secret(caller: Caller, running) -> None:
    """argv holds no secret of the cloud either; the watcher has no variables."""
    watcher = the_watcher(caller)
    password = caller.password()
    secrets = (password, caller.environment["AWS_SECRET_ACCESS_KEY"])
    for pid in (running.pid, watcher):
        argv = Path(f"/proc/{pid}/cmdline").read_text()
        assert not any(secret in argv for secret in secrets)
    assert Path(f"/proc/{watcher}/environ").read_bytes() == b""
    assert password not in Path(f"/proc/{running.pid}/environ").read_text()
    assert open_files(watcher) == ["/dev/null"] * 3 + ["anon_inode:[pidfd]"]
    (name,) = caller.left()
    directory = Path(caller.place, name)
    for path in (directory, *directory.rglob("*")):
        assert path.is_symlink() or path.stat().st_mode & 0o077 == 0
        assert not path.is_file() or password not in path.read_text(errors="replace")


def test_no_process_ever_shows_the_secret(caller: Caller) -> None:
    """Reads all of /proc until the command runs: arguments and variables."""
    seen: set[bytes] = set()
    with caller.start(*WAITS, options=("--secret",)) as running:
        while not select.select([running.stdout], [], [], 0)[0]:
            for pid in filter(str.isdigit, os.listdir("/proc")):
                for file in ("cmdline", "environ"):
                    with suppress(OSError):
                        seen.add(Path(f"/proc/{pid}/{file}").read_bytes())
        config = caller.place + f"/{caller.left()[0]}/docker/config.json"
        written = json.loads(Path(config).read_text())["auths"][HOST]["auth"]
        running.communicate("\n")
    assert any(b"dockcred\0exec\0" in text for text in seen)
    secrets = (written, caller.password())
    assert not any(secret.encode() in text for text in seen for secret in secrets)


def open_files(pid: int) -> list[str]:
    """Return the open files of the watcher, once it has the four that it keeps."""

    def found() -> list[str]:
        directory = f"/proc/{pid}/fd"
        return [os.readlink(f"{directory}/{n}") for n in sorted(os.listdir(directory))]

    return wait_until(lambda: len(found()) == 4 and found())


def refused(done: subprocess.CompletedProcess[str]) -> str:
    """Return the one line on stderr of a run that was refused."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert re.fullmatch(r"dockcred: .*\n", done.stderr), done.stderr
    return done.stderr


@pytest.mark.parametrize("host", ["*", "a b", "team", "host/team/app", "", "http://"])
def test_a_bad_host_is_refused(caller: Caller, host: str) -> None:
    refused(caller.run("echo", "run", registries=(host,)))
    assert not caller.left()


def test_without_an_identity_the_command_does_not_run(caller: Caller) -> None:
    assert "identity" in refused(caller.run("echo", registries=("registry.example",)))
    del caller.environment["AWS_ACCESS_KEY_ID"]
    assert "identity" in refused(caller.run("echo", "run"))
    assert not caller.left()


def test_a_broken_file_of_the_callers_is_named(caller: Caller) -> None:
    config = caller.home / ".docker/config.json"
    config.parent.mkdir()
    config.write_text("{")
    assert f"{config} is not JSON at line 1" in refused(caller.run("echo"))
    assert not caller.left()


@pytest.mark.parametrize(
    ("mode", "owner"), [(0o777, 0), (0o770, 0), (0o700, 65534), (0o1777, 65534)]
)
def test_a_place_where_others_could_put_something_else_is_passed_over(
    caller: Caller, root: None, mode: int, owner: int
) -> None:
    os.chmod(caller.place, mode)
    os.chown(caller.place, owner, 0)
    assert not caller.says("echo $DOCKER_CONFIG").startswith(caller.place)


def test_a_full_disk_is_said_and_nothing_is_left(caller: Caller, root: None) -> None:
    """A tmpfs of one page, in a mount namespace of its own."""
    full = f"mount -t tmpfs -o size=4k,mode=700 none {caller.place}"
    script = 'status=0; "$@" || status=$?; echo $status; ls -A "$XDG_RUNTIME_DIR"'
    command = ("sh", "-euc", script, "sh", *caller.argv("echo", "run"))
    done = caller.does(in_mounts(full, *command))
    assert done.stdout == "1\n"
    assert "No space left on device; make room there" in done.stderr
    assert done.stderr.count("\n") == 1


def test_where_memory_cannot_be_written_the_next_place_is_taken(
    caller: Caller, tmp_path: Path, root: None
) -> None:
    """First only the places in memory are read-only, then TMPDIR on a disk too."""
    caller.environment |= {"TMPDIR": str(tmp_path), "DOCKCRED_CACHE": "off"}
    argv = caller.argv("sh", "-c", "echo $DOCKER_CONFIG")
    for places, expected in (
        (f"{caller.place} /dev/shm", f"{tmp_path}/dockcred-exec"),
        (f"{caller.place} /dev/shm {tmp_path}", "there is no place"),
    ):
        read_only = f"for p in {places}; do mount -t tmpfs -o ro none $p; done"
        done = caller.does(in_mounts(read_only, *argv))
        assert (done.stdout + done.stderr).count("\n") == 1
        assert expected in done.stdout + done.stderr
    assert wait_until(lambda: not list(tmp_path.iterdir()))


def test_a_password_on_a_disk_is_told(
    caller: Caller, tmp_path: Path, root: None
) -> None:
    caller.environment |= {"TMPDIR": str(tmp_path), "DOCKCRED_CACHE": "off"}
    for option, said in (("--only", ""), ("--secret", "there is no place in memory")):
        argv = caller.argv("true", options=(option,))
        done = caller.does(in_mounts("mount -t tmpfs -o ro none /dev/shm", *argv))
        assert done.returncode == 0
        assert said in done.stderr
        assert done.stderr.count("\n") == (1 if said else 0)


def test_where_a_process_has_no_descriptor_it_is_polled(tmp_path: Path) -> None:
    """Linux before 5.3 and other systems have no pidfd."""
    directory = tmp_path / "private"
    directory.mkdir()
    code = f"""
import os
del os.pidfd_open
from dockcred.system import private_directory as owner, watcher
watcher.start({str(directory)!r})
print(os.path.isdir({str(directory)!r}))
"""
    argv = [sys.executable, "-c", code]
    done = subprocess.run(argv, capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
    assert wait_until(lambda: not directory.exists())


def test_where_no_python_can_be_started_the_watcher_is_a_copy_of_us(
    tmp_path: Path,
) -> None:
    """For example while the installation is being replaced."""
    directory = tmp_path / "private"
    directory.mkdir()
    code = "import sys; sys.executable = ''\nfrom dockcred.system import watcher\n"
    argv = [sys.executable, "-c", f"{code}watcher.start({str(directory)!r})"]
    subprocess.run(argv, check=True)
    assert wait_until(lambda: not directory.exists())


@pytest.mark.parametrize("forks", [0, 1])
def test_where_no_process_can_be_started_that_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, forks: int
) -> None:
    """Either the first fork fails, or the second, which starts the watcher."""
    fork, left = os.fork, [None] * forks

    def limited() -> int:
        if not left:
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        left.pop()
        return fork()

    monkeypatch.setattr("os.fork", limited)
    with pytest.raises(DockcredError, match="no process can be started that would"):
        watcher.start(str(tmp_path))
