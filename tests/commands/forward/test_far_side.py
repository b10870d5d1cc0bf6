"""The far side's helpers have only the socket: answers, errors and misses."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.program import BUSY_S, HOST, LONG_S, NOT_FOUND, Answer, Program, wait_until
from support.real import require_root

from .near import Near, send

GET = f'{{"Verb":"get","ServerURL":"{HOST}"}}\n'.encode()
NOBODY = 65534


@pytest.mark.parametrize(
    "program",
    [
        "docker-credential-auto",
        "docker-credential-ecr-login",
        "docker-credential-keyring",
        "dockcred-credential-provider",
    ],
)
def test_any_helper_is_answered_what_a_local_one_is(
    cloud, near: Near, ecr: Program, program: str
) -> None:
    local = ecr.get(near.environment)
    far = near.ask("get", program=program)
    assert (far.status, far.stdout, far.stderr) == (0, local.stdout, b"")


def test_nothing_is_kept_on_the_far_side(near: Near, tmp_path: Path) -> None:
    home = tmp_path / "far"
    home.mkdir()
    assert near.ask("get", HOME=str(home)).status == 0
    assert list(home.rglob("*")) == []


def test_an_identity_of_the_far_side_is_not_asked(cloud, near: Near) -> None:
    """A registry that is not allowed is an error: no other source is tried silently."""
    far = near.ask("get", "public.ecr.aws", **cloud.environment("env-keys"))
    assert far.said == (
        "public.ecr.aws is not forwarded to here; on the machine where dockcred forward"
        " runs, start it with: --allow public.ecr.aws"
    )


def test_off_the_list_is_anonymous_only_where_that_was_said(near: Near) -> None:
    far = near.ask("get", "ghcr.io", DOCKCRED_ANONYMOUS="true")
    assert (far.status, far.stdout, far.stderr) == (1, NOT_FOUND, b"")


def test_a_miss_stays_a_miss(near: Near) -> None:
    far = near.ask("get", "registry.example.com:5000")
    assert (far.status, far.stdout, far.stderr) == (1, NOT_FOUND, b"")
    far = near.ask("get", "registry.example.com:5000", DOCKCRED_ON_MISS="empty")
    assert (far.status, json.loads(far.stdout)["Secret"]) == (0, "")


def test_docker_hub_has_many_names_and_is_allowed_by_one(start) -> None:
    near = start(allowed=("--allow", "docker.io"))
    far = near.ask("get", "https://index.docker.io/v1/")
    assert (far.status, far.stdout) == (1, NOT_FOUND)


def test_a_pattern_stays_within_its_labels(start) -> None:
    near = start(allowed=("--allow", "*.dkr.ecr.eu-west-1.amazonaws.com"))
    assert near.ask("get").status == 0
    assert "not forwarded" in near.ask("get", f"a.{HOST}").said


@pytest.mark.parametrize("wide", ["*", "*.com", "*.*.azurecr.*", "ghcr.*"])
def test_a_pattern_that_matches_strangers_is_refused(
    wide: str, helper_bin: Path, tmp_path: Path
) -> None:
    done = Program(str(helper_bin / "dockcred"))(
        "forward", "--allow", wide, environment={"HOME": str(tmp_path)}
    )
    assert done.status == 1
    assert b"; " in done.stderr


def test_nothing_is_allowed_without_a_word(helper_bin: Path, tmp_path: Path) -> None:
    done = Program(str(helper_bin / "dockcred"))(
        "forward", environment={"HOME": str(tmp_path)}
    )
    assert done.status == 1
    assert b"no registry is allowed" in done.stderr


def test_list_names_what_is_allowed(near: Near) -> None:
    assert json.loads(near.ask("list", "").stdout) == {HOST: "AWS"}


def test_a_failure_there_is_told_with_its_remedy(cloud, start) -> None:
    cloud.fail("ecr:access-denied")
    near = start()
    far = near.ask("get")
    assert far.said.startswith("where dockcred forward runs, ")
    assert "; " in far.said


def login(secret: str) -> str:
    return json.dumps(
        {"ServerURL": "registry.example.com:5000", "Username": "me", "Secret": secret}
    )


def test_store_and_erase_are_refused_unless_allowed(near: Near) -> None:
    for verb, text in (("store", login("s3cr3t")), ("erase", HOST)):
        far = near.ask(verb, text)
        assert f"{verb} is not forwarded" in far.said
        assert "--allow-store" in far.said


@pytest.fixture
def vault(helper_bin: Path, tmp_path: Path) -> dict[str, str]:
    """Make a vault, the near side's store; return the variables that name it."""
    key = tmp_path / "key"
    found = {
        "DOCKCRED_STORE": "vault",
        "DOCKCRED_VAULT_FILE": str(tmp_path / "vault"),
        "DOCKCRED_VAULT_KEY_FILE": str(key),
    }
    made = Program(str(helper_bin / "dockcred"))(
        *("vault", "create", "--key-file", str(key)),
        environment={"HOME": str(tmp_path), **found},
    )
    assert made.status == 0, made
    return found


def test_allowed_they_reach_the_store_of_the_desktop(start, vault) -> None:
    near = start("--allow-store", **vault)
    assert near.ask("store", login("p/w+=")).status == 0
    far = near.ask("get", "registry.example.com:5000")
    assert (json.loads(far.stdout)["Username"], far.password) == ("me", "p/w+=")
    assert near.ask("erase", "registry.example.com:5000").status == 0
    assert near.ask("get", "registry.example.com:5000").stdout == NOT_FOUND
    # --allow-store allows no registry that is not on the list.
    other = login("x").replace("registry.example.com:5000", "ghcr.io")
    assert "ghcr.io is not forwarded" in near.ask("store", other).said
    assert "p/w+=" not in near.told()


def test_a_host_without_a_dot_is_not_docker_hub(start, vault) -> None:
    """As an image's name `plain` would be on Docker Hub, and get its login."""
    hub = "https://index.docker.io/v1/"
    near = start(
        "--allow-store", allowed=("--allow", "docker.io", "--allow", "plain"), **vault
    )
    text = login("p/w+=").replace("registry.example.com:5000", hub)
    assert near.ask("store", text).status == 0
    assert near.ask("get", hub).password == "p/w+="
    assert near.ask("get", "plain").stdout == NOT_FOUND


@pytest.mark.parametrize(
    "number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "ended"]
)
def test_a_dead_socket_is_an_error_with_its_cause(near: Near, number: int) -> None:
    near.end(number)
    far = near.ask("get")
    assert far.said.startswith(f"nobody answers behind DOCKCRED_FORWARD, {near.path}: ")
    assert "run dockcred forward there again" in far.said


def test_a_stopped_desktop_is_no_hang(near: Near) -> None:
    near.stop()
    far = near.ask("get", DOCKCRED_TIMEOUT="1")
    assert far.said.startswith(f"dockcred forward behind {near.path} does not answer; ")
    near.resume()
    assert near.ask("get").status == 0


def answered_by(answer: bytes, path: str, helper_bin: Path) -> Answer:
    """Ask a server that reads a request, sends `answer` and closes."""

    def speak() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(4096)
            connection.sendall(answer)

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(path)
        listening.listen()
        thread = threading.Thread(target=speak)
        thread.start()
        far = Program(str(helper_bin / "docker-credential-auto")).get(
            {"DOCKCRED_FORWARD": path}
        )
        thread.join()
    return far


def test_an_end_without_an_answer_is_told(tmp_path: Path, helper_bin: Path) -> None:
    """sshd closes the socket like this when the other end of its connection is gone."""
    far = answered_by(b"", str(tmp_path / "s"), helper_bin)
    assert "has ended without an answer" in far.said


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 400\n",
        b"[]\n",
        b'{"Answer":"credential","Username":1}\n',
        b'{"Answer":"what"}\n',
    ],
)
def test_who_speaks_otherwise_is_not_believed(
    tmp_path: Path, helper_bin: Path, answer: bytes
) -> None:
    far = answered_by(answer, str(tmp_path / "s"), helper_bin)
    assert "is not dockcred forward, or of another version" in far.said


@pytest.mark.parametrize("path", ["s", "./s", "unix:///s"])
def test_a_path_of_the_working_directory_is_refused(path: str, near: Near) -> None:
    assert "is no absolute path" in near.ask("get", DOCKCRED_FORWARD=path).said


def test_another_user_s_socket_where_all_may_write_is_refused(
    near: Near, tmp_path: Path
) -> None:
    require_root("to be two users")
    place = tmp_path / "shared"
    place.mkdir()
    place.chmod(0o1777)
    path = place / "s"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        os.chown(path, NOBODY, NOBODY)
        far = near.ask("get", DOCKCRED_FORWARD=str(path))
    assert "is another user's, in a directory where others write" in far.said


_ASK = """
import os, socket, sys
os.setgroups([]); os.setgid(65534); os.setuid(65534)
s = socket.socket(socket.AF_UNIX); s.settimeout(10); s.connect(sys.argv[1])
s.sendall(sys.argv[2].encode()); s.shutdown(socket.SHUT_WR)
while data := s.recv(4096):
    os.write(1, data)
"""


def as_nobody(path: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", "-c", _ASK, path, GET.decode()],
        cwd="/",
        env={},
        capture_output=True,
        text=True,
        check=False,
    )


def test_another_user_is_refused_by_the_file_and_by_the_kernel_s_word(
    near: Near, tmp_path: Path
) -> None:
    """Even if the socket's mode lets all users in, the peer's user id is checked."""
    require_root("to be another user")
    assert stat.S_IMODE(os.stat(near.path).st_mode) == 0o600
    for path in (tmp_path, *tmp_path.parents[:-2]):
        path.chmod(0o755)
    assert "PermissionError" in as_nobody(near.path).stderr
    os.chmod(near.path, 0o666)
    refused = as_nobody(near.path)
    assert refused.returncode == 0, refused.stderr
    answer = json.loads(refused.stdout)
    assert answer == {
        "Answer": "refused",
        "Cause": "this dockcred forward does not answer user 65534",
        "Remedy": "have it started by that user, or with --for-user",
    }
    wait_until(
        lambda: (
            "refused: this dockcred forward does not answer user 65534" in near.told()
        )
    )


def test_another_user_is_answered_where_that_was_said(start, tmp_path: Path) -> None:
    require_root("to be another user")
    near = start("--for-user", str(NOBODY))
    for path in (tmp_path, *tmp_path.parents[:-2]):
        path.chmod(0o755)
    assert json.loads(as_nobody(near.path).stdout)["Username"] == "AWS"


def test_who_sends_nothing_holds_up_nobody(near: Near) -> None:
    silent = [socket.socket(socket.AF_UNIX) for _ in range(100)]
    try:
        for connection in silent:
            connection.connect(near.path)
        # If the silent ones were served one after the other, it would take 500 s.
        assert near.ask("get", DOCKCRED_TIMEOUT=f"{LONG_S}").status == 0
        silent[0].settimeout(BUSY_S)
        assert silent[0].recv(1) == b""  # closed, without an answer
        wait_until(lambda: near.told().count("refused: no request within 5 s") == 100)
    finally:
        for connection in silent:
            connection.close()


def test_who_does_not_read_holds_up_nobody(near: Near) -> None:
    deaf = [socket.socket(socket.AF_UNIX) for _ in range(50)]
    try:
        for connection in deaf:
            connection.connect(near.path)
            connection.sendall(GET)
        assert near.ask("get").status == 0
    finally:
        for connection in deaf:
            connection.close()


@pytest.fixture
def many_files() -> Iterator[None]:
    """Raise the limit of file descriptors: the test has a thousand connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = before[1] if before[1] != resource.RLIM_INFINITY else 4096
    wanted = max(before[0], min(4096, most))
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


@pytest.mark.usefixtures("many_files")
def test_a_thousand_at_once_are_answered_by_one_mint(cloud, near: Near) -> None:
    answers: list[dict[str, str]] = []

    def ask() -> None:
        answers.append(send(near.path, GET, 60.0))

    threads = [threading.Thread(target=ask) for _ in range(1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.get("Answer") for answer in answers} == {"credential"}
    assert len({answer["Secret"] for answer in answers}) == 1
    assert len(answers) == 1000
    assert cloud.calls["ecr:GetAuthorizationToken"] == 1
    wait_until(lambda: len(near.lines()) == 1000)


def test_a_process_of_any_name_is_answered_and_named(near: Near) -> None:
    """A process sets its own name: it may have any bytes, and several lines."""
    named = "import ctypes; ctypes.CDLL(None).prctl(15, b'\\xff\\n\\x1b[2J')\n"
    ask = _ASK.replace("os.setgroups([]); os.setgid(65534); os.setuid(65534)", "")
    done = subprocess.run(
        [sys.executable, "-c", named + ask, near.path, GET.decode()],
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout)["Username"] == "AWS"
    wait_until(lambda: len(near.lines()) == 1)
    assert "\x1b" not in near.told()
    assert near.ask("get").status == 0


def test_who_goes_before_the_answer_ends_nothing(near: Near) -> None:
    for _ in range(20):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(near.path)
            connection.sendall(GET)
    assert near.ask("get").status == 0
    wait_until(lambda: len(near.lines()) == 21)
    assert "unforeseen" not in near.told()


def test_a_path_that_is_too_long_is_refused(near: Near, helper_bin: Path) -> None:
    done = Program(str(helper_bin / "dockcred"))(
        *("forward", "--allow", HOST, "--socket", f"{near.path}{'x' * 100}"),
        environment={"HOME": "/nonexistent"},
    )
    assert done.status == 1
    assert b"cannot be listened at" in done.stderr
    assert b"name another with --socket" in done.stderr


def test_a_place_that_is_in_use_is_left_alone(
    start, near: Near, helper_bin: Path
) -> None:
    command = ("forward", "--allow", HOST, "--socket", near.path)
    done = Program(str(helper_bin / "dockcred"))(
        *command,
        environment=near.far | {"DOCKCRED_FORWARD": "", "HOME": "/nonexistent"},
    )
    assert b"in use" in done.stderr
    assert near.ask("get").status == 0


def test_a_dead_one_s_socket_is_taken_over(start, near: Near) -> None:
    near.end(signal.SIGKILL)
    assert os.path.exists(near.path)
    assert start().ask("get").status == 0


def test_its_own_directory_goes_with_it(cloud, helper_bin: Path) -> None:
    environment = cloud.environment("env-keys")
    command = [helper_bin / "dockcred", "forward", "--allow", HOST]
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, env=environment, stdout=pipe, stderr=pipe, text=True
    ) as process:
        assert process.stdout
        path = Path(process.stdout.readline().strip().partition("=")[2])
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert send(str(path), GET)["Username"] == "AWS"
        process.kill()
    wait_until(lambda: not path.parent.exists())


def test_a_command_has_the_socket_and_its_status_is_ours(
    cloud, helper_bin: Path
) -> None:
    """Any command gets the variable. When the command ends, so does the socket."""
    ask = f"echo {HOST} | env -i DOCKCRED_FORWARD=$DOCKCRED_FORWARD docker-credential-auto get; exit 7"
    environment = cloud.environment("env-keys") | {
        "PATH": f"{helper_bin}:/usr/bin:/bin"
    }
    ask = ask.replace(
        "docker-credential-auto", str(helper_bin / "docker-credential-auto")
    )
    done = Program(str(helper_bin / "dockcred"))(
        *("forward", "--allow", HOST, "--", "sh", "-c", ask), environment=environment
    )
    assert done.status == 7, done
    assert json.loads(done.stdout)["Username"] == "AWS"


def test_a_command_that_is_not_there_is_told(cloud, helper_bin: Path) -> None:
    done = Program(str(helper_bin / "dockcred"))(
        *("forward", "--allow", HOST, "--", "no-such-command"),
        environment=cloud.environment("env-keys"),
    )
    assert done.status == 127
    assert b"no-such-command: No such file or directory" in done.stderr


def test_a_ticket_of_this_machine_does_not_answer_for_the_other(
    cloud, helper_bin: Path, tmp_path: Path
) -> None:
    """With DOCKCRED_FORWARD sh starts Python, which asks only the socket."""
    made = Program(str(helper_bin / "dockcred"))(
        *("install", "--dir", str(tmp_path / "bin")),
        environment={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    assert made.status == 0, made
    launcher = Program(str(tmp_path / "bin/docker-credential-ecr-login"))
    environment = cloud.environment("env-keys")
    answers = {launcher.get(environment).stdout for _ in range(2)}
    cache = Path(environment["HOME"]) / ".cache/dockcred"
    assert len(answers) == 1
    assert list(cache.glob("front,*")), "there is a ticket"
    far = launcher.get(environment | {"DOCKCRED_FORWARD": "/nonexistent/s"})
    assert far.said.startswith("nobody answers behind DOCKCRED_FORWARD")
