"""The recipes of docs/secrets.md, with the real program or its documented output."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from stores.places import Home, set_up_pass, short_directory, stop_gpg
from support import real
from support.documents import ROOT

from .conftest import HOST, Desk

PAGE = (ROOT / "docs/secrets.md").read_text(encoding="utf-8")
PATH = f"{os.environ['PATH']}:{real.SYSTEM_PATH}"


def written(program: str) -> str:
    """Return the page's `password_command` line that runs a program."""
    start = f'password_command = ["{program}", '
    (line,) = (part for part in PAGE.split("`") if part.startswith(start))
    tomllib.loads(line)
    return line


def password(desk: Desk, entry: str, **variables: str) -> str:
    desk.configure(f'username = "me"\n{entry}')
    return desk.get(DOCKCRED_TIMEOUT="30", **variables).password


DOCUMENTED = {
    # The output in each program's manual, byte for byte, for the secret `s3cr3t`.
    "op": "s3cr3t\n",
    "bw": "s3cr3t",
    "vault": "s3cr3t\n",
    "bao": "s3cr3t\n",
    "aws": "s3cr3t\n",
    "gcloud": "s3cr3t",
    "az": "s3cr3t\n",
}


@pytest.mark.parametrize("name", DOCUMENTED)
def test_what_a_programs_manual_shows_is_taken(desk: Desk, name: str) -> None:
    """A script of the program's name prints the documented output."""
    entry = written(name)
    words = tomllib.loads(entry)["password_command"][1:]
    wanted = shlex.join(words)
    desk.script(
        f'[ "$*" = {shlex.quote(" ".join(words))} ] || exit 64 # {wanted}\n'
        f"printf '%s' {shlex.quote(DOCUMENTED[name])}",
        name,
    )
    assert password(desk, entry) == "s3cr3t"


def test_awss_json_of_user_and_password_needs_no_username(desk: Desk) -> None:
    """AWS's console writes this for a secret of "other type" with these two keys."""
    secret = json.dumps({"username": "me", "password": "s3cr3t", "engine": "x"})
    desk.script(f"printf '%s\\n' {shlex.quote(secret)}", "aws")
    desk.configure(written("aws"))
    found = json.loads(desk.get().stdout)
    assert (found["Username"], found["Secret"]) == ("me", "s3cr3t")


@pytest.fixture
def store() -> Iterator[Home]:
    """A password store with the entry `registry`."""
    real.program("pass")
    with short_directory() as place:
        home = Home(place)
        set_up_pass(home)
        added = home.run("pass", "insert", "--echo", "registry", text="s3cr3t\n")
        assert added.returncode == 0, added.stderr
        yield home
        stop_gpg(home)


@pytest.mark.slow
def test_pass_prints_it(desk: Desk, store: Home) -> None:
    variables = {"PATH": PATH, "HOME": str(store.path)}
    assert password(desk, written("pass"), **variables) == "s3cr3t"


@pytest.mark.slow
def test_gopass_prints_it_from_the_same_store(desk: Desk, store: Home) -> None:
    """Debian's gopass can read the stores of pass."""
    real.program("gopass")
    variables = {
        "PATH": PATH,
        "HOME": str(store.path),
        "PASSWORD_STORE_DIR": f"{store.path}/.password-store",
    }
    assert password(desk, written("gopass"), **variables) == "s3cr3t"


def _age(desk: Desk) -> str:
    """Create a key of age; return the recipient to encrypt for."""
    real.program("age-keygen")
    made = subprocess.run(
        ["age-keygen", "-o", desk.home / "key.txt"],
        capture_output=True,
        text=True,
        check=True,
        env={"PATH": PATH},
    )
    return made.stderr.rpartition(" ")[2].strip()


@pytest.mark.slow
def test_age_decrypts_it(desk: Desk) -> None:
    real.program("age")
    whom = _age(desk)
    subprocess.run(
        ["age", "--recipient", whom, "--output", desk.home / "registry.age"],
        input=b"s3cr3t\n",
        check=True,
        env={"PATH": PATH},
    )
    entry = written("age").replace("/home/me/", f"{desk.home}/")
    assert password(desk, entry, PATH=PATH) == "s3cr3t"


SOPS = os.environ.get("DOCKCRED_SOPS", "")
"""The path of a sops program, "" for none; Debian has no package of sops."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["real" if SOPS else "as documented"])
def test_sops_decrypts_one_value(desk: Desk, kind: str) -> None:
    """With age; if DOCKCRED_SOPS names no program, a script prints what sops would."""
    entry = written("sops").replace("/home/me/", f"{desk.home}/")
    if kind != "real":
        desk.script("printf s3cr3t", "sops")
        assert password(desk, entry) == "s3cr3t"
        return
    plain = desk.file("password: s3cr3t\nother: x\n", name="registry.yaml")
    whom = _age(desk)
    environment = {"PATH": PATH, "HOME": str(desk.home)}
    command = [SOPS, "encrypt", "--age", whom, "--in-place", str(plain)]
    subprocess.run(command, check=True, env=environment)
    assert b"s3cr3t" not in plain.read_bytes()
    key = str(desk.home / "key.txt")
    path = f"{os.path.dirname(SOPS)}:{PATH}"
    assert password(desk, entry, PATH=path, SOPS_AGE_KEY_FILE=key) == "s3cr3t"


@pytest.mark.slow
def test_a_credential_of_systemds_is_read_as_a_unit_has_it(desk: Desk) -> None:
    """systemd-creds encrypts and decrypts; the directory is as systemd creates it."""
    real.require_root("to make root's files")
    creds = real.program("systemd-creds")
    sealed = desk.home / "registry.cred"
    environment = {"PATH": PATH}
    for command in (
        [creds, "encrypt", "--name=registry", "-", sealed],
        [creds, "decrypt", "--name=registry", sealed, "-"],
    ):
        made = subprocess.run(
            command,
            input=b"s3cr3t\n",
            capture_output=True,
            check=False,
            env=environment,
        )
        if made.returncode:
            real.missing(
                f"systemd-creds does not run here: {made.stderr.decode()[-200:]}"
            )
    unit = desk.home / "credentials"
    unit.mkdir(mode=0o500)
    (unit / "registry").write_bytes(made.stdout)
    # An access control list lets the unit's user read; `stat` shows it as group mode.
    (unit / "registry").chmod(0o440)
    entry = 'password_file = "$CREDENTIALS_DIRECTORY/registry"'
    assert entry in PAGE
    assert password(desk, entry, CREDENTIALS_DIRECTORY=str(unit)) == "s3cr3t"
    assert "no service manager has set" in desk.get().said


AS_KUBERNETES = """
set -eu
mount -t tmpfs secrets "$1"
mkdir "$1/..first" "$1/..second"
printf one >"$1/..first/password"
printf two >"$1/..second/password"
chmod 0644 "$1"/..*/password
ln -s ..first "$1/..data"
ln -s ..data/password "$1/password"
ask() { printf %s "$3" | "$2" get; }
ask "$@" || true
mount -o remount,ro "$1"
ask "$@"
mount -o remount,rw "$1"
ln -s ..second "$1/..new"
mv -T "$1/..new" "$1/..data"
mount -o remount,ro "$1"
ask "$@"
"""


@pytest.mark.slow
def test_a_kubernetes_secret_is_read_through_its_links_and_when_it_is_renewed(
    desk: Desk,
) -> None:
    """As kubelet creates it: mode 0644 by default, on a read-only tmpfs.

    While the tmpfs is writable, a file of this mode is refused.
    """
    real.require_own_mounts()
    place = desk.home / "volume"
    place.mkdir()
    desk.configure(f'username = "me"\npassword_file = "{place}/password"')
    done = subprocess.run(
        [
            *("unshare", "--mount", "sh", "-c", AS_KUBERNETES, "sh"),
            *(str(place), desk.program.path, HOST),
        ],
        env=desk.variables | {"PATH": PATH},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done
    refused, first, second = done.stdout.splitlines()
    assert refused.startswith(f"{place}/password is refused: others can read it")
    assert json.loads(first)["Secret"] == "one"
    assert json.loads(second)["Secret"] == "two"


def test_the_files_name_is_what_the_page_says() -> None:
    assert Path(__file__).name in PAGE
