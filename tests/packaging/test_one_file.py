"""The suite as one file: every program, by name or first argument, on any Python."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from support import entries
from support.program import HOST, NOT_FOUND, Program, wait_until
from support.real import missing, program
from support.release import ROOT

from dockcred.wiring import PROGRAMS

MEGABYTE = 1_000_000
LIBRARIES = "/lib/x86_64-linux-gnu"


@pytest.fixture(scope="module")
def one_file(dist: Path) -> Path:
    (path,) = dist.glob("*.pyz")
    return path


@pytest.fixture
def ecr_by_name(one_file: Path, tmp_path: Path) -> Program:
    """A link to the file, under the helper's name."""
    link = tmp_path / "docker-credential-ecr-login"
    link.symlink_to(one_file)
    return Program(str(link))


@pytest.mark.parametrize("name", PROGRAMS)
def test_it_is_the_program_of_its_name_or_the_one_named_first(one_file, name, tmp_path):
    (link := tmp_path / name).symlink_to(one_file)
    by_name = Program(str(link))("version", environment={})
    by_argument = Program(str(one_file))(name, "version", environment={})
    assert by_name.status == 0, by_name
    assert by_name.stdout.startswith(f"{name} (dockcred)".encode())
    assert by_argument.stdout == by_name.stdout


def test_a_credential_is_minted_and_then_kept(ecr_by_name, cloud):
    environment = cloud.environment("instance-profile")
    first = ecr_by_name.get(environment)
    assert cloud.minted(first.password)
    cloud.reset()
    assert ecr_by_name.get(environment).stdout == first.stdout
    assert cloud.calls.total() == 0


def test_a_foreign_host_is_not_found(ecr_by_name, cloud):
    answer = ecr_by_name.get(cloud.environment("env-keys"), "evil.example")
    assert (answer.status, answer.stdout) == (1, NOT_FOUND)
    assert cloud.calls.total() == 0


def test_it_refreshes_in_the_background_with_every_descriptor_closed(ecr_by_name):
    """Modules that the refresh imports later are still found."""
    from dockcred.testing.sandbox import Sandbox

    with Sandbox() as cloud:
        environment = cloud.environment("env-keys")
        first = ecr_by_name.get(environment).password
        entries.age_to(entries.only(environment), 0.6)  # in the second half of its life
        ecr_by_name.get(environment)
        wait_until(lambda: cloud.calls["ecr:GetAuthorizationToken"] == 2)
        wait_until(lambda: ecr_by_name.get(environment).password != first)


def test_an_sdk_that_is_not_in_it_is_named(ecr_by_name, cloud):
    answer = ecr_by_name.get(cloud.environment("profile"))
    assert "boto3, which is not installed" in answer.said


@pytest.mark.parametrize("arguments", [(), ("get",), ("docker-credential-nothing",)])
def test_without_a_program_it_names_those_it_has(one_file, arguments):
    answer = Program(str(one_file))(*arguments, environment={})
    assert answer.status == 1
    assert answer.stdout == answer.stderr
    assert b"name one of dockcred, dockcred-credential-provider" in answer.stdout


def test_the_program_for_people_is_in_it(one_file, tmp_path):
    dockcred = Program(str(one_file))
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    said = dockcred("dockcred", "--help", environment=environment)
    assert said.status == 0, said.stderr
    commands = (
        said.stdout.decode().partition("For people:")[2].partition("Examples:")[0]
    )
    rows = [line for line in commands.splitlines() if line.startswith("  ")]
    listed = [line.split()[0] for line in rows if line[2:3].strip()]
    assert "For operators" not in commands
    assert {"configure", "doctor", "exec", "get", "render"} <= set(listed)
    assert not {"sandbox", "token-service"} & set(listed)
    for command in listed:
        said = dockcred("dockcred", command, "--help", environment=environment)
        assert said.status == 0, said.stderr
    configure = ("dockcred", "configure", "docker", "--all")
    done = dockcred(*configure, environment=environment)
    assert done.status == 0, done.stderr
    written = json.loads((tmp_path / ".docker/config.json").read_text())
    assert written == {"credsStore": "auto"}


@pytest.mark.parametrize("arguments", [("create", "--key-file", "k"), ("unlock",)])
def test_a_library_that_is_not_in_it_is_named(one_file, tmp_path, arguments):
    words = ("dockcred", "vault", *arguments)
    environment = {"HOME": str(tmp_path)}
    answer = Program(str(one_file))(*words, environment=environment, cwd=tmp_path)
    assert answer.status == 1
    assert b"the vault needs cryptography, which is not installed" in answer.stderr
    assert b"Traceback" not in answer.stderr


def test_it_writes_the_file_of_a_client_that_cannot_call_it(one_file, cloud):
    """A CI job does this in a step before kaniko."""
    render = ("dockcred", "render", "docker-config", "--registry", HOST)
    done = Program(str(one_file))(*render, environment=cloud.environment("env-keys"))
    assert done.status == 0, done.stderr
    auth = base64.b64decode(json.loads(done.stdout)["auths"][HOST]["auth"]).decode()
    assert cloud.minted(auth.removeprefix("AWS:"))


def test_install_says_that_a_link_will_do(one_file, tmp_path):
    answer = Program(str(one_file))("dockcred", "install", environment={})
    assert answer.status == 1
    assert f"ln -s {one_file} " in answer.stderr.decode()


@pytest.mark.parametrize("version", ["3.11", "3.12", "3.13", "3.14"])
def test_every_python_runs_it(one_file, version, cloud, pythons):
    """The Python that built it runs the bytecode, others the sources."""
    python = pythons[version]
    words = (str(one_file), "docker-credential-ecr-login", "get")
    environment = cloud.environment("env-keys")
    answer = Program(python)(*words, environment=environment, stdin=HOST.encode())
    assert cloud.minted(answer.password)


def test_a_command_is_logged_in_by_the_file_as_its_helper(one_file, cloud, tmp_path):
    """The file is called by a relative path."""
    (tmp_path / "dockcred").symlink_to(one_file)
    script = f"printf {HOST} | docker-credential-auto get; echo $DOCKER_CONFIG"
    answer = Program("./dockcred")(
        *("exec", "--registry", HOST, "--", "sh", "-c", script),
        environment=cloud.environment("env-keys"),
        cwd=tmp_path,
    )
    assert answer.status == 0, answer
    login, directory = answer.stdout.splitlines()
    assert cloud.minted(json.loads(login)["Secret"])
    assert wait_until(lambda: not os.path.exists(directory))


def test_an_old_python_is_told_which_is_needed(one_file, tmp_path, pythons):
    python = pythons["3.9"]
    head, quote, tail = one_file.read_bytes().partition(b"for python in ")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python3").symlink_to(python)
    # As on a machine whose only Python is on PATH.
    elsewhere = tmp_path / "old.pyz"
    elsewhere.write_bytes(
        head + quote + tail.replace(b"/bin/python3.1", b"/no/python3.1")
    )
    elsewhere.chmod(0o755)
    answer = Program(str(elsewhere))(environment={"PATH": f"{tmp_path}/bin:/bin"})
    assert answer.status == 1
    assert b"Python 3.11 or newer is needed" in answer.stdout
    assert b"Traceback" not in answer.stderr


def test_a_machine_without_python_is_told_so(one_file, tmp_path):
    if os.geteuid() != 0:
        missing("chroot needs root")
    busybox = program("busybox")
    linked = subprocess.run(["ldd", busybox], capture_output=True, check=False)
    if linked.returncode == 0:
        for name in ("lib64/ld-linux-x86-64.so.2", f"{LIBRARIES[1:]}/libc.so.6"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(f"/{name}", tmp_path / name)
        shutil.copy(f"{LIBRARIES}/libresolv.so.2", tmp_path / LIBRARIES[1:])
    for name in ("bin", "dev"):
        (tmp_path / name).mkdir()
    (tmp_path / "dev/null").touch()
    shutil.copy(busybox, tmp_path / "bin/sh")
    shutil.copy(one_file, tmp_path / "dockcred")
    answer = Program("/usr/sbin/chroot")(str(tmp_path), "/dockcred", environment={})
    assert answer.status == 1
    assert answer.stdout == answer.stderr
    assert answer.stdout.startswith(b"dockcred: there is no Python here; install")


def test_it_stays_small(one_file):
    assert one_file.stat().st_size < 4 * MEGABYTE


def test_no_part_of_a_library_misses_one_that_was_left_out(one_file):
    """Each part is imported from the file only; those for Windows need Windows."""
    with zipfile.ZipFile(one_file) as archive:
        names = {
            name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            for name in archive.namelist()
            if name.startswith(("click/", "rich/", "tomlkit/")) and name.endswith(".py")
        }
    assert {"click.core", "rich.console", "tomlkit.items"} <= names
    script = "import importlib, sys\nsys.path.insert(0, sys.argv[1])\n" + "".join(
        f"importlib.import_module({name!r})\n" for name in sorted(names)
    )
    command = [sys.executable, "-I", "-S", "-c", script, one_file]
    subprocess.run(command, check=True, capture_output=True)


def test_anyone_builds_the_same_file(one_file, tmp_path):
    """With the same Python, hash seed, umask and directory have no effect."""
    again = tmp_path / one_file.name
    subprocess.run(
        [sys.executable, ROOT / "packaging/zipapp/build.py", again],
        env={"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo"},
        umask=0o077,
        check=True,
    )
    assert again.read_bytes() == one_file.read_bytes()
