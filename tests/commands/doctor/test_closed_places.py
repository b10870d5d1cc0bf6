"""A file that the user may not read or write: the remedy gives access to it.

docker's own code cannot read the file before the remedy, and can after it.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support import real
from support.oracles import BUILT
from support.program import BUSY_S

from dockcred.clients.containers import read as containers_read
from dockcred.clients.docker import read as docker_read
from dockcred.clients.edit import WantedValue, json_text
from dockcred.clients.edit.client_file import EditableFile
from dockcred.clients.findings import Severity
from dockcred.commands.doctor import client_files, containers_files
from dockcred.system import file_lock
from dockcred.system.environment import Environment

NOBODY = 65534
_LOGIN = '{"auths": {"r.example": {"auth": "dTpw"}}}'


@pytest.fixture
def home() -> Iterator[Path]:
    """Make a home that its user can enter: pytest's own directories are closed."""
    if os.geteuid() != 0:
        pytest.skip("only root can be two users")
    place = Path(tempfile.mkdtemp(prefix="dockcred-closed-"))
    place.chmod(0o755)
    made = place / "home"
    (made / ".docker").mkdir(parents=True)
    file = made / ".docker/config.json"
    file.write_text(_LOGIN)
    file.chmod(0o600)
    for path in (made, made / ".docker", file):
        os.chown(path, NOBODY, NOBODY)
    yield made
    shutil.rmtree(place)


def as_user(call: Callable[[], str]) -> str:
    """Call a function in a child process with only the user's rights."""
    reader, writer = os.pipe()
    if not os.fork():
        status = 1
        try:
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            os.write(writer, call().encode())
            status = 0
        finally:
            os._exit(status)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        said = pipe.read().decode()
    assert os.wait()[1] == 0
    return said


def found(variables: dict[str, str]) -> tuple[str, str, str]:
    """Return text, fix and remedy of the error for docker's file; "" each for none."""

    def look() -> str:
        environment = Environment(variables)
        findings = list(client_files.check_file(environment, None))
        bad = [finding for finding in findings if finding.severity == Severity.ERROR]
        return "\0".join((bad[0].text, bad[0].fix, bad[0].remedy) if bad else "\0\0")

    look()  # imports what the child may not read
    text, fix, remedy = as_user(look).split("\0")[:3]
    return text, fix, remedy


def docker_reads(variables: dict[str, str]) -> bool:
    """Return whether docker's own code, run as the user, finds the login."""
    program = BUILT / "docker_cli"
    if not program.exists():
        real.missing("the oracle docker_cli is not built: tests/oracles/build makes it")
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        mine = shutil.copy(program, directory)
        done = subprocess.run(
            [mine, "r.example"],
            env=variables,
            user=NOBODY,
            group=NOBODY,
            extra_groups=[],
            capture_output=True,
            text=True,
            timeout=BUSY_S,
            check=True,
        )
    return '"secret":"p"' in done.stdout


def _theirs(path: Path, mode: int) -> None:
    os.chown(path, 0, 0)
    path.chmod(mode)


def directory_of_root(home: Path) -> tuple[Path, Path]:
    _theirs(home / ".docker", 0o700)
    return home / ".docker", home / ".docker"


def parent_of_root(home: Path) -> tuple[Path, Path]:
    deep = home / "conf"
    deep.mkdir()
    (home / ".docker").rename(deep / "docker")
    _theirs(deep, 0o700)
    return deep / "docker", deep


def file_of_root(home: Path) -> tuple[Path, Path]:
    _theirs(home / ".docker/config.json", 0o600)
    return home / ".docker", home / ".docker/config.json"


def own_directory_without_search(home: Path) -> tuple[Path, Path]:
    (home / ".docker").chmod(0o600)
    return home / ".docker", home / ".docker"


def own_file_for_nobody(home: Path) -> tuple[Path, Path]:
    (home / ".docker/config.json").chmod(0)
    return home / ".docker", home / ".docker/config.json"


def link_into_a_closed_directory(home: Path) -> tuple[Path, Path]:
    closed = home / "dotfiles"
    closed.mkdir()
    (home / ".docker/config.json").rename(closed / "config.json")
    (home / ".docker/config.json").symlink_to("../dotfiles/config.json")
    _theirs(closed, 0o700)
    return home / ".docker", closed


CLOSED = (
    directory_of_root,
    parent_of_root,
    file_of_root,
    own_directory_without_search,
    own_file_for_nobody,
    link_into_a_closed_directory,
)


@pytest.mark.parametrize("close", CLOSED, ids=lambda close: close.__name__)
def test_the_remedy_opens_what_is_closed(
    home: Path, close: Callable[[Path], tuple[Path, Path]]
) -> None:
    directory, closed = close(home)
    variables = {
        "HOME": str(home),
        "USER": str(NOBODY),
        "DOCKER_CONFIG": str(directory),
        "PATH": "/usr/bin:/bin",
    }
    assert not docker_reads(variables)
    text, fix, _ = found(variables)
    assert "cannot be read by this user" in text
    words = shlex.split(fix)
    assert words[-1] == str(closed)
    argv = words[1:] if words[0] == "sudo" else words
    subprocess.run(argv, check=True, timeout=BUSY_S)
    assert docker_reads(variables)
    assert found(variables) == ("", "", "")


def test_what_others_keep_outside_the_home_is_not_given_away(home: Path) -> None:
    outside = home.parent / "theirs"
    outside.mkdir()
    (home / ".docker/config.json").rename(outside / "config.json")
    (home / ".docker/config.json").symlink_to(outside / "config.json")
    _theirs(outside, 0o700)
    text, fix, remedy = found({"HOME": str(home)})
    assert f"{outside} lets only root in" in text
    assert (fix, "ask root" in remedy) == ("", True)


def test_podmans_file_has_the_same_remedies(home: Path) -> None:
    config = home / ".config/containers"
    config.mkdir(parents=True)
    (config / "auth.json").write_text("{}")
    _theirs(config, 0o700)
    variables = {"HOME": str(home), "USER": "me", "XDG_RUNTIME_DIR": str(home / "run")}

    def look() -> str:
        findings = list(containers_files.check_files(Environment(variables)))
        return "\n".join(finding.fix for finding in findings if finding.fix)

    look()
    assert as_user(look) == f"sudo chown -R me {config}"
    assert containers_read.auth_paths(Environment(variables))[1].startswith(str(config))


def test_a_writer_is_told_which_directory_keeps_him_out(home: Path) -> None:
    (home / ".docker").chmod(0o755)
    os.chown(home / ".docker", 0, 0)
    path = docker_read.config_file(Environment({"HOME": str(home)})).path

    def look() -> str:
        return file_lock.obstacle(path, os.W_OK) + "\n" + file_lock.obstacle(path)

    assert as_user(look) == f"{home}/.docker\n"


def directory_of_root_open_to_read(home: Path) -> Path:
    _theirs(home / ".docker", 0o755)
    return home / ".docker"


def own_directory_without_writing(home: Path) -> Path:
    (home / ".docker").chmod(0o500)
    return home / ".docker"


def parent_without_search(home: Path) -> Path:
    home.chmod(0o600)
    return home


def file_of_root_in_an_own_directory(home: Path) -> Path:
    """Only root could give the new file to the old one's owner."""
    _theirs(home / ".docker/config.json", 0o644)
    return home / ".docker/config.json"


CLOSED_TO_WRITERS = (
    directory_of_root_open_to_read,
    own_directory_without_writing,
    parent_without_search,
    file_of_root_in_an_own_directory,
)


@pytest.mark.parametrize("close", CLOSED_TO_WRITERS, ids=lambda close: close.__name__)
def test_a_writers_remedy_opens_what_is_closed(
    home: Path, close: Callable[[Path], Path]
) -> None:
    """The file is not changed before the remedy has been carried out."""
    closed = close(home)
    path = home / ".docker/config.json"
    environment = Environment({"HOME": str(home), "USER": str(NOBODY)})

    def write() -> str:
        wanted = [WantedValue(("credsStore",), "keyring")]
        try:
            EditableFile(str(path), json_text).commit(lambda _: wanted)
        except OSError as error:
            return file_lock.remedy(error, environment)
        return "written"

    words = shlex.split(as_user(write).removeprefix("run: "))
    assert words[-1] == str(closed)
    assert path.read_text() == _LOGIN
    argv = words[1:] if words[0] == "sudo" else words
    subprocess.run(argv, check=True, timeout=BUSY_S)
    assert as_user(write) == "written"
    assert path.stat().st_uid == NOBODY
    assert json.loads(path.read_text())["credsStore"] == "keyring"


def test_a_group_that_cannot_be_kept_is_let_in_to_nothing(home: Path) -> None:
    """`sudo chown` leaves such a file: it has root's group, where the user is not."""
    path = home / ".docker/config.json"
    os.chown(path, NOBODY, 0)
    path.chmod(0o640)
    wanted = [WantedValue(("credsStore",), "keyring")]

    def write() -> str:
        EditableFile(str(path), json_text).commit(lambda _: wanted)
        return "written"

    assert as_user(write) == "written"
    status = path.stat()
    assert (status.st_uid, status.st_gid) == (NOBODY, NOBODY)
    assert status.st_mode & 0o777 == 0o600
