"""Where the cache is, and that a get works if there can be no cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest
from support.program import BUSY_S, HOST, Answer, Program
from support.real import require_own_mounts

ECR_CALL = "ecr:GetAuthorizationToken"
NOBODY = 65534
AS_ROOT = pytest.mark.usefixtures("own_mounts")


@pytest.fixture
def environment(cloud):
    """Variables that do not name the cache's directory, so that it is below HOME."""
    without = ("DOCKCRED_CACHE_DIR", "XDG_CACHE_HOME")
    return {k: v for k, v in cloud.environment().items() if k not in without}


def _twice(ecr, cloud, environment, **options) -> int:
    """Run two gets, which must succeed without stderr; return ECR's call count."""
    cloud.reset()
    for _ in range(2):
        answer = ecr.get(environment, **options)
        assert cloud.minted(answer.password), answer
        assert answer.stderr == b""
    return cloud.calls[ECR_CALL]


def _files(directory: Path) -> list[str]:
    return sorted(p.name for p in directory.rglob("*") if p.name.startswith("ecr,"))


def test_it_is_below_the_home_directory(ecr, cloud, environment):
    assert _twice(ecr, cloud, environment) == 1
    assert _files(Path(environment["HOME"]) / ".cache/dockcred")


def test_it_is_below_xdg_cache_home_where_set(ecr, cloud, environment):
    place = cloud.home / "xdg"
    place.mkdir()
    assert _twice(ecr, cloud, environment | {"XDG_CACHE_HOME": str(place)}) == 1
    assert _files(place / "dockcred")


@pytest.mark.parametrize(
    "variables",
    [
        {"AWS_ECR_DISABLE_CACHE": "true"},
        {"AWS_ECR_DISABLE_CACHE": "false"},
        {"DOCKCRED_CACHE": "off"},
        {"DOCKCRED_CACHE": "OFF", "DOCKCRED_CACHE_DIR": "/tmp/not-made"},
        {"AWS_ECR_DISABLE_CACHE": "1", "DOCKCRED_CACHE_DIR": "/tmp/not-made"},
    ],
    ids=str,
)
def test_switched_off_nothing_is_kept(variables, ecr, cloud, environment):
    """AWS_ECR_DISABLE_CACHE works as in ecr-login: any value switches the cache off."""
    assert _twice(ecr, cloud, environment | variables) == 2
    assert not _files(cloud.home)
    assert not os.path.exists("/tmp/not-made")


@pytest.mark.parametrize("written", ["{home}/parent", "~/parent"])
def test_aws_ecr_cache_dir_names_a_parent_and_the_peer_s_file_is_left_alone(
    written, ecr, cloud, environment
):
    parent = Path(environment["HOME"]) / "parent"
    parent.mkdir()
    (parent / "cache.json").write_text("the peer's")
    named = {"AWS_ECR_CACHE_DIR": written.format(home=environment["HOME"])}
    assert _twice(ecr, cloud, environment | named) == 1
    assert _files(parent / "dockcred")
    assert (parent / "cache.json").read_text() == "the peer's"


def test_dockcred_cache_dir_wins_over_the_peer_s(ecr, cloud, environment):
    home = Path(environment["HOME"])
    named = {
        "AWS_ECR_CACHE_DIR": str(home / "theirs"),
        "DOCKCRED_CACHE_DIR": str(home / "ours"),
    }
    assert _twice(ecr, cloud, environment | named) == 1
    assert _files(home / "ours")
    assert not (home / "theirs").exists()


@pytest.fixture
def run(tmp_path):
    """An empty directory that tests mount over /run for the program."""
    (tmp_path / "run").mkdir(mode=0o755)
    return tmp_path / "run"


def test_a_home_that_does_not_exist_is_no_obstacle(ecr, cloud, environment, run):
    """Root's cache is then in /run; others have no cache, so ECR is asked twice."""
    environment["HOME"] = str(cloud.home / "gone")
    if os.geteuid() == 0:
        require_own_mounts()
        assert _twice(ecr.with_run(run), cloud, environment) == 1
        assert _is_kept_in(run)
    else:
        assert _twice(ecr, cloud, environment) == 2


def test_a_cache_that_is_a_file_is_no_obstacle(ecr, cloud, environment):
    (Path(environment["HOME"]) / ".cache").write_text("a file")
    assert _twice(ecr, cloud, environment) == 2


def _in_own_mounts(ecr, environment, script: str) -> Answer:
    """Run a shell script in its own mount namespace; "$0" is the program."""
    done = subprocess.run(
        ["unshare", "--mount", "/bin/sh", "-euc", script, ecr.path],
        env=environment,
        input=HOST.encode(),
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )
    return Answer(done.returncode, done.stdout, done.stderr, 0)


@AS_ROOT
@pytest.mark.parametrize("made_before", [False, True])
def test_a_full_disk_is_no_obstacle(made_before, ecr, cloud, environment):
    """The get answers, and no incomplete file is left."""
    make = "mkdir -m 700 $HOME/.cache $HOME/.cache/dockcred" if made_before else ":"
    answer = _in_own_mounts(
        ecr,
        environment,
        f"""
        mount -t tmpfs -o size=64k none "$HOME"
        {make}
        dd if=/dev/zero of="$HOME/fill" bs=4k 2>/dev/null || :
        "$0" get
        find "$HOME" -name '*.new' -o -size +0 -name 'ecr,*' >&2
        """,
    )
    assert cloud.minted(answer.password)
    assert answer.stderr == b""


@AS_ROOT
def test_a_read_only_home_is_no_obstacle(ecr, cloud, environment):
    answer = _in_own_mounts(
        ecr,
        environment,
        'mount -t tmpfs -o ro none "$HOME"; exec "$0" get',
    )
    assert cloud.minted(answer.password)
    assert answer.stderr == b""


@AS_ROOT
def test_a_read_only_cache_is_still_read(ecr, cloud, environment):
    """An entry that was cached before is answered."""
    first = ecr.get(environment).password
    answer = _in_own_mounts(
        ecr,
        environment,
        """
        mount --bind "$HOME" "$HOME"
        mount -o remount,ro,bind "$HOME"
        exec "$0" get
        """,
    )
    assert answer.password == first


@AS_ROOT
def test_root_with_another_s_home_leaves_nothing_in_it(ecr, cloud, environment, run):
    """`sudo -E docker pull`: root's files in a user's cache would block the user."""
    home = Path(environment["HOME"])
    _give(home, NOBODY)
    before = sorted(home.rglob("*"))
    assert _twice(ecr.with_run(run), cloud, environment) == 1
    assert _is_kept_in(run)
    assert sorted(home.rglob("*")) == before


@AS_ROOT
def test_root_without_a_home_uses_run(ecr, cloud, environment, run):
    """For example an agent that the system starts without HOME."""
    del environment["HOME"]
    assert _twice(ecr.with_run(run), cloud, environment) == 1
    assert _is_kept_in(run)


def _is_kept_in(run: Path) -> bool:
    """Return whether the one entry in this /run is root's, with mode 0600."""
    (entry,) = (run / "dockcred").glob("ecr,*[0-9a-f]")
    status = entry.stat()
    return status.st_uid == 0 and status.st_mode & 0o777 == 0o600


def _give(home: Path, user: int):
    for path in (home, *home.rglob("*")):
        os.chown(path, user, user, follow_symlinks=False)


@pytest.fixture(scope="module")
def shared(helper_bin):
    """A copy of the installed modules that every user can read, run by /usr's Python.

    The venv of the tests is below directories that only root can read.
    """
    if os.geteuid() != 0:
        pytest.skip("needs root: becomes another user")
    rights = {"user": NOBODY, "group": NOBODY, "extra_groups": ()}
    try:
        subprocess.run([INTERPRETER, "-c", CHECK], check=True, **rights)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip(f"needs {INTERPRETER} of 3.11 or later, for another user to run")
    found = subprocess.run(
        [helper_bin / "python", "-c", "import dockcred; print(dockcred.__file__)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    source = Path(found).parent
    with tempfile.TemporaryDirectory() as directory:
        place = Path(directory)
        place.chmod(0o755)
        shutil.copytree(source, place / "dockcred")
        program = place / "docker-credential-ecr-login"
        program.write_text(PROGRAM.format(python=INTERPRETER, place=place))
        program.chmod(0o755)
        for path in (place / "dockcred").rglob("*"):
            path.chmod(0o755)
        yield Program(str(program)), rights


INTERPRETER = "/usr/bin/python3"
CHECK = "import sys; sys.exit(sys.version_info < (3, 11))"
PROGRAM = """#!{python} -IB
import sys
sys.path.insert(0, "{place}")
from dockcred.protocol import serve
from dockcred.wiring import identity_store
serve("docker-credential-ecr-login", lambda: identity_store("ecr"))
"""


@pytest.fixture
def nobody(shared, cloud, environment):
    """Run two gets as an ordinary user who owns the home; return ECR's call count."""
    program, rights = shared
    cloud.home.chmod(0o711)
    Path(environment["SSL_CERT_FILE"]).chmod(0o644)
    _give(Path(environment["HOME"]), NOBODY)
    return lambda variables: _twice(program, cloud, variables, **rights)


def test_a_user_caches_in_the_user_s_home(environment, nobody):
    assert nobody(environment) == 1


@pytest.mark.parametrize("left", ["directory", "parent"])
def test_a_directory_that_root_left_is_no_obstacle(left, environment, nobody):
    """As an old `sudo -E` leaves it: the user has no cache, and gets no error."""
    path = Path(environment["HOME"]) / ".cache"
    path.mkdir(0o700)
    if left == "directory":
        os.chown(path, NOBODY, NOBODY)
        (path / "dockcred").mkdir(0o700)
    assert nobody(environment) == 2


def test_files_that_root_left_are_replaced(environment, nobody):
    """Root has left a lock and an entry in the user's own directory."""
    nobody(environment)
    cache = Path(environment["HOME"]) / ".cache/dockcred"
    for path in cache.iterdir():
        os.chown(path, 0, 0)
        path.chmod(0o600)
    assert nobody(environment) == 1


def test_a_user_without_home_is_looked_up(environment, nobody):
    """Without HOME the password database is asked; its home is missing: no cache."""
    del environment["HOME"]
    assert nobody(environment) == 2


def test_nothing_is_made_below_a_directory_of_another_s(cloud, environment, nobody):
    theirs = cloud.home / "theirs"
    theirs.mkdir(0o777)
    theirs.chmod(0o777)
    named = {"DOCKCRED_CACHE_DIR": str(theirs / "cache")}
    assert nobody(environment | named) == 2
    assert not any(theirs.iterdir())
    shutil.rmtree(theirs)
