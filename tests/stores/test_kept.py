"""Every writer of a client's file keeps its owner, group, mode, links and other text.

A real `docker logout` shows what docker keeps.
"""

from __future__ import annotations

import base64
import os
import subprocess
from pathlib import Path

import pytest
from real.parts import program
from support.program import BUSY_S

from dockcred.commands.render import output

_OWNER, _GROUP = 12345, 54321
_AUTH = base64.b64encode(b"user:s3cr3t").decode()
TEXT = (
    '{ "auths": {"r.example": {"auth": "' + _AUTH + '"},\r\n'
    '  "stays.example": {}},\n\t"zzz": 1.50, "unknown": {"b": 1, "a": [ ]} }'
)


def look(path: Path) -> tuple[int, int, int]:
    status = path.stat()
    return status.st_uid, status.st_gid, status.st_mode & 0o7777


@pytest.fixture
def config(vault):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    path = vault.path / ".docker/config.json"
    path.parent.mkdir(mode=0o700)
    path.write_bytes(TEXT.encode())
    os.chown(path, _OWNER, _GROUP)
    path.chmod(0o640)
    return path


def test_docker_keeps_owner_and_mode_and_so_does_import(vault, config):
    theirs = vault.path / "theirs"
    theirs.mkdir()
    (theirs / "config.json").write_bytes(TEXT.encode())
    os.chown(theirs / "config.json", _OWNER, _GROUP)
    (theirs / "config.json").chmod(0o640)
    subprocess.run(
        [program("docker"), "--config", str(theirs), "logout", "r.example"],
        check=True,
        capture_output=True,
        timeout=BUSY_S,
    )
    kept = look(theirs / "config.json")
    ran = vault.run("dockcred", "import", "docker", "--remove")
    assert ran.returncode == 0, ran.stderr
    assert look(config) == kept == (_OWNER, _GROUP, 0o640)


def test_import_takes_out_the_login_and_leaves_the_rest_to_the_byte(vault, config):
    ran = vault.run("dockcred", "import", "docker", "--remove")
    assert ran.returncode == 0, ran.stderr
    login = '"r.example": {"auth": "' + _AUTH + '"},\r\n  '
    assert config.read_bytes().decode() == TEXT.replace(login, "")


def test_a_login_that_stands_twice_is_taken_out_twice(vault, config):
    entry = '"r.example": {"auth": "' + _AUTH + '"}'
    config.write_text('{"Auths": {' + f"{entry}, {entry}" + "}}")
    ran = vault.run("dockcred", "import", "docker", "--remove")
    assert ran.returncode == 0, ran.stderr
    assert config.read_text() == '{"Auths": {}}'


def test_another_login_of_the_same_name_stays(vault, config):
    """The imported login hid it, and no other copy of it exists."""
    auth = base64.b64encode(b"another:word").decode()
    other = '"r.example": {"auth": "' + auth + '"}'
    entry = '"r.example": {"auth": "' + _AUTH + '"}'
    config.write_text('{"Auths": {' + f"{other}, {entry}" + "}}")
    vault.run("dockcred", "import", "docker", "--remove")
    assert config.read_text() == '{"Auths": {' + other + "}}"


@pytest.mark.parametrize("before", [TEXT, ""])
def test_configure_and_undo_keep_group_and_mode(vault, config, before):
    config.write_bytes(before.encode())
    os.chown(config, 0, _GROUP)
    told = ("dockcred", "configure", "docker", "--all", "--helper", "keyring")
    for argv in (told, ("dockcred", "configure", "docker", "--undo")):
        ran = vault.run(*argv)
        assert ran.returncode == 0, ran.stderr
        assert look(config) == (0, _GROUP, 0o640)
    assert config.read_bytes() == before.encode()


def test_a_file_with_another_name_is_not_half_changed(vault, config):
    """The password would stay in the file under its other name."""
    os.link(config, vault.path / "other")
    ran = vault.run("dockcred", "import", "docker", "--remove")
    assert ran.returncode == 1
    assert "hard links" in ran.stderr
    assert config.read_bytes() == TEXT.encode()


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_rendering_keeps_owner_group_mode_and_link(vault, config, kind, capsys):
    path = config
    if kind == "link":
        path = vault.path / "link.json"
        path.symlink_to(config)
    config.write_text("{}")
    output.write(b'{"auths":{}}', str(path), None)
    assert path.is_symlink() == (kind == "link")
    assert config.read_bytes() == b'{"auths":{}}'
    assert look(config) == (_OWNER, _GROUP, 0o640)
    assert capsys.readouterr().err.endswith("; its group can read it too\n")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (0o600, 0o600, ""),
        (0o400, 0o400, ""),
        (0o660, 0o640, "its group can read it too"),
        (0o440, 0o440, "its group can read it too"),
        (0o644, 0o600, "others could read it: its mode was 0644, and is 0600"),
        (0o604, 0o600, "others could read it: its mode was 0604, and is 0600"),
        (0o4755, 0o600, "others could read it: its mode was 4755, and is 0600"),
    ],
)
def test_a_secret_is_not_written_where_others_read_without_a_word(
    config, before, after, said, capsys
):
    config.write_text("{}")
    config.chmod(before)
    output.write(b"{}", str(config), None)
    assert look(config) == (_OWNER, _GROUP, after)
    told = capsys.readouterr().err
    assert told == f"wrote {config}{f'; {said}' if said else ''}\n"


def test_what_is_no_secret_keeps_its_mode(config, capsys):
    config.write_text("apiVersion: v0\n")
    config.chmod(0o644)
    output.write(b"apiVersion: v1\n", str(config), None, secret=False)
    assert look(config) == (_OWNER, _GROUP, 0o644)


def keep_fresh(vault, path, mode):
    """Store a login, and let `refresh` write it to a path with a mode."""
    stored = '{"ServerURL": "r.example", "Username": "u", "Secret": "n3w"}'
    assert vault.run("docker-credential-keyring", "store", text=stored).returncode == 0
    targets = vault.path / "refresh.toml"
    targets.write_text(
        '[[target]]\nformat = "docker-config"\nregistries = ["r.example"]\n'
        f'sources = ["keychain"]\nfile = "{path}"\nmode = "{mode}"\n'
    )
    return vault.run("dockcred", "refresh", "--once", str(targets))


@pytest.mark.parametrize("kind", ["file", "link"])
def test_a_file_that_is_kept_fresh_keeps_group_and_link(vault, config, kind):
    """The group stays, since the mode lets it read; the mode is the setting's."""
    os.chown(config, 0, _GROUP)
    path = config
    if kind == "link":
        path = vault.path / "link.json"
        path.symlink_to(config)
    ran = keep_fresh(vault, path, "0440")
    assert ran.returncode == 0, ran.stderr
    assert path.is_symlink() == (kind == "link")
    assert look(config) == (0, _GROUP, 0o440)
    assert base64.b64encode(b"u:n3w") in config.read_bytes()
    beside = {name for name in os.listdir(config.parent) if name.endswith(".dockcred")}
    assert beside == {".config.json.dockcred"}


def test_a_file_that_is_kept_fresh_follows_no_link_of_another(vault, config):
    os.chown(config, 0, 0)
    link = vault.path / "link.json"
    link.symlink_to(config)
    os.chown(link, 777, 777, follow_symlinks=False)
    before = config.read_bytes()
    keep_fresh(vault, link, "0600")
    assert config.read_bytes() == before


def test_root_follows_no_link_of_another(vault, config):
    link = vault.path / "link.json"
    link.symlink_to(config)
    os.chown(link, 777, 777, follow_symlinks=False)
    config.write_text("{}\n")
    before = config.read_bytes()
    output.write(b"{}", str(link), None)
    assert config.read_bytes() == before
    assert look(link) == (777, 777, 0o600)
