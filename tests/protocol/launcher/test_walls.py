"""`install` checks who can write the files that a launcher will import or run."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from dockcred.errors import InvalidInputError
from dockcred.protocol.launcher import walls
from dockcred.system import people

NOBODY = 65534
PROGRAM = "docker-credential-ecr-login"


def give_away(path: Path) -> None:
    """Let another user write a path: as its owner if we are root, else by its mode."""
    if os.geteuid() == 0:
        os.chown(path, NOBODY, NOBODY)
    else:
        path.chmod(path.stat().st_mode | 0o002)


@pytest.fixture(scope="module")
def venv(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel in its own venv, which uses the libraries of the tests' venv."""
    (wheel,) = dist.glob("*.whl")
    venv = tmp_path_factory.mktemp("walls") / "venv"
    python = (sys.executable, "-m")
    subprocess.run([*python, "venv", "--without-pip", venv], check=True)
    subprocess.run(
        [
            *(*python, "pip", "-q", "--python", venv, "install"),
            *("--no-deps", "--no-index", wheel),
        ],
        check=True,
    )
    lent = site_packages(venv) / "lent.pth"
    lent.write_text(sysconfig.get_path("purelib") + "\n")
    return venv


def site_packages(venv: Path) -> Path:
    (path,) = venv.glob("lib/python3.*/site-packages")
    return path


def install(venv: Path, directory: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [venv / "bin/dockcred", "install", "--dir", directory, "--programs", PROGRAM],
        env={"PATH": "/usr/bin:/bin", "HOME": "/nonexistent"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "name",
    [
        "dockcred/identity/router.py",
        "dockcred/providers/ecr",
        "docker_credential_ecr_login.py",
        "botocore/session.py",
        "botocore/data/endpoints.json",
        "botocore",
        "planted.cpython-311-x86_64-linux-gnu.so",
        "botocore/__pycache__/session.cpython-311.pyc",
    ],
)
def test_a_file_that_another_can_write_is_refused_by_name(
    venv: Path, tmp_path: Path, name: str
) -> None:
    path = site_packages(venv) / name
    was_there = path.exists()
    if not was_there:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name == "botocore" else path.touch()
    before = path.stat()
    try:
        give_away(path)
        done = install(venv, tmp_path / "bin")
    finally:
        os.chown(path, before.st_uid, before.st_gid)
        path.chmod(before.st_mode & 0o7777)
        if not was_there:
            path.rmdir() if path.is_dir() else path.unlink()
    assert done.returncode == 1
    assert f"{path} " in done.stderr
    assert "is refused" in done.stderr
    assert not os.path.lexists(tmp_path / "bin" / PROGRAM)
    # The same tree is accepted if it is not another user's.
    assert install(venv, tmp_path / "bin").returncode == 0


@pytest.fixture
def stdlib(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A fake standard library that a test may change; sys.path leads to it."""
    path = tmp_path / "lib/python3.11"
    for name in (
        "os.py",
        "json/decoder.py",
        "lib-dynload/_ssl.so",
        "site-packages/x.py",
    ):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).touch()
    monkeypatch.setattr(os, "__file__", str(path / "os.py"))
    entries = [
        str(tmp_path / "lib/python311.zip"),
        str(path),
        str(path / "lib-dynload"),
    ]
    monkeypatch.setattr(sys, "path", entries)
    return path


def check() -> list[str]:
    return walls.check_all("/bin/sh", [])


@pytest.mark.parametrize(
    "name", ["os.py", "json/decoder.py", "json", "lib-dynload/_ssl.so"]
)
def test_a_standard_library_that_another_can_write_is_refused(
    stdlib: Path, name: str
) -> None:
    assert check() == []
    give_away(stdlib / name)
    with pytest.raises(InvalidInputError, match=f"{name} is refused"):
        check()


def test_a_place_for_a_zip_that_another_could_make_is_refused(stdlib: Path) -> None:
    """lib/python311.zip comes first on sys.path, and usually does not exist."""
    give_away(stdlib.parent)
    with pytest.raises(InvalidInputError, match="is refused"):
        check()


def test_what_isolated_python_leaves_out_may_be_anybodys(stdlib: Path) -> None:
    give_away(stdlib / "site-packages/x.py")
    assert check() == []


def test_a_library_of_the_interpreter_is_looked_at(
    stdlib: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mapped = walls._mapped()
    assert any("libssl" in name or "_ssl" in name for name in mapped)
    assert any(
        name.rpartition("/")[2].startswith(("libc.", "libc-")) for name in mapped
    )
    library = tmp_path / "libpython3.11.so.1.0"
    library.touch()
    monkeypatch.setattr(walls, "_mapped", lambda: {str(library)})
    assert check() == []
    give_away(library)
    with pytest.raises(InvalidInputError, match="libpython"):
        check()


def test_a_link_is_followed_to_what_it_is_to(stdlib: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere/deep"
    elsewhere.mkdir(parents=True)
    (elsewhere / "module.py").touch()
    (stdlib / "linked").symlink_to(elsewhere)
    (stdlib / "round").symlink_to(stdlib)
    (stdlib / "dangling").symlink_to(tmp_path / "nowhere")
    assert check() == []
    give_away(elsewhere / "module.py")
    with pytest.raises(InvalidInputError, match=r"module\.py is refused"):
        check()


def test_what_was_not_looked_at_is_named(
    stdlib: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert str(stdlib) in walls.check_all("/bin/sh", [], limit_s=-1)
    real = os.scandir

    def refusing(path: str) -> object:
        if path.endswith("json"):
            raise PermissionError
        return real(path)

    monkeypatch.setattr(os, "scandir", refusing)
    assert check() == [str(stdlib / "json")]


def test_a_writer_in_an_access_control_list_is_seen(stdlib: Path) -> None:
    """`stat` shows such a writer as group mode, though the group is root's or ours."""
    user, group, mask, other, owner = 0x02, 0x04, 0x10, 0x20, 0x01
    none = 0xFFFFFFFF
    entries = [(owner, 6, none), (user, 6, NOBODY), (group, 4, none)]
    entries += [(mask, 6, none), (other, 4, none)]
    data = struct.pack("<I", 2) + b"".join(
        struct.pack("<HHI", *each) for each in entries
    )
    path = stdlib / "os.py"
    os.chown(path, -1, os.getegid())
    try:
        os.setxattr(path, "system.posix_acl_access", data)
    except OSError:
        pytest.skip("this file system keeps no access control lists")
    if people.is_shared(os.getegid(), os.geteuid()):
        pytest.skip("our own group has further members")
    with pytest.raises(InvalidInputError, match="access control list"):
        check()


def test_an_ordinary_installation_passes_whole(tmp_path: Path, venv: Path) -> None:
    done = install(venv, tmp_path / "bin")
    assert done.returncode == 0, done.stderr
    assert "was not looked at" not in done.stderr
