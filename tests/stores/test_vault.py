"""The vault's file and its keys, and errors of both."""

from __future__ import annotations

import base64
import json
import os
import stat

import pytest

from dockcred.stores import vault_key
from dockcred.stores.vault import Vault
from dockcred.stores.vault_file import (
    VaultDamagedError,
    VaultFile,
    VaultKeyError,
    VaultTruncatedError,
    VaultVersionError,
)
from dockcred.system.environment import Environment
from dockcred.testing.store_contract import NOT_FOUND

from .parts import missing
from .places import short_directory

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

SECRETS = ("correct horse battery", "an identity token", "third")


def file_of(home):
    return home.path / ".local/share/dockcred/vault"


def fill(home):
    for number, secret in enumerate(SECRETS):
        home.helper.store(f"r{number}.io", "user", secret)


def fails_with(answer, *phrases):
    assert answer.status == 1, answer
    said = answer.stdout.decode()
    assert NOT_FOUND not in said
    for phrase in phrases:
        assert phrase in said, said


# The files on the disk


def test_nothing_below_the_home_holds_a_secret_or_the_key(vault):
    fill(vault)
    found = vault.everything()
    key = vault.key_file.read_bytes().strip()
    raw = base64.b64decode(key)
    for text in (*SECRETS, "r0.io"):
        data = text.encode()
        for form in (data, base64.b64encode(data).rstrip(b"="), data.hex().encode()):
            assert form not in found
    for form in (key, key.rstrip(b"="), raw, raw.hex().encode()):
        assert form not in found


def test_nothing_below_the_home_holds_the_passphrase_or_what_is_made_of_it(home):
    with short_directory() as elsewhere:
        passphrase = elsewhere / "passphrase"
        passphrase.write_text("open sesame please\n")
        passphrase.chmod(0o600)
        home.variables["DOCKCRED_VAULT_PASSPHRASE_FILE"] = str(passphrase)
        made = home.run("dockcred", "vault", "create", "--passphrase-file", passphrase)
        assert made.returncode == 0, made.stderr
        fill(home)
        assert home.helper.get("r0.io") == ("user", SECRETS[0])
        found = home.everything()
        for text in (*SECRETS, "open sesame please"):
            assert text.encode() not in found


def test_file_and_directory_are_their_owners_alone(vault):
    fill(vault)
    for path, mode in ((file_of(vault), 0o600), (file_of(vault).parent, 0o700)):
        assert stat.S_IMODE(path.stat().st_mode) == mode
    assert stat.S_IMODE(vault.key_file.stat().st_mode) == 0o600


def test_every_write_has_a_nonce_of_its_own(vault):
    nonces = set()
    for _ in range(3):
        vault.helper.store("r.io", "user", "the same")
        nonces.add(json.loads(file_of(vault).read_bytes().split(b"\n")[1])["nonce"])
    assert len(nonces) == 3


# Named errors


def test_a_wrong_key_is_named(vault):
    fill(vault)
    vault.key_file.write_bytes(base64.b64encode(bytes(32)))
    fails_with(vault.helper.run("get", "r0.io"), "key does not open the vault")


def test_a_wrong_passphrase_is_named(home):
    home.run("dockcred", "vault", "create", text="right\n")
    wrong = home.path / "wrong"
    wrong.write_text("wrong")
    wrong.chmod(0o600)
    helper = home.with_variables(DOCKCRED_VAULT_PASSPHRASE_FILE=str(wrong))
    fails_with(helper.run("get", "r.io"), "passphrase or key does not open the vault")


def test_an_older_and_a_newer_version_are_named(vault):
    fill(vault)
    data = file_of(vault).read_bytes()
    for version in ("0", "2"):
        line = f"dockcred-vault {version}\n".encode()
        file_of(vault).write_bytes(line + data.partition(b"\n")[2])
        said = f"version {version}; this program reads version 1"
        for verb in ("get", "list", "erase"):
            fails_with(vault.helper.run(verb, "r0.io"), said)


def test_every_truncation_is_named_and_none_is_an_empty_vault(vault):
    fill(vault)
    data = file_of(vault).read_bytes()
    for size in {0, 5, 20, len(data) // 2, len(data) - 16, len(data) - 1}:
        with pytest.raises(VaultTruncatedError):
            VaultFile.parse(data[:size])
    file_of(vault).write_bytes(data[:-1])
    fails_with(vault.helper.run("get", "r0.io"), "truncated")


def test_every_flipped_bit_is_named(vault):
    """All bits of the header and the encrypted box are authenticated."""
    fill(vault)
    data = file_of(vault).read_bytes()
    key = base64.b64decode(vault.key_file.read_bytes())
    named = (VaultDamagedError, VaultTruncatedError, VaultVersionError, VaultKeyError)
    for index in range(len(data)):
        for bit in range(8):
            torn = bytearray(data)
            torn[index] ^= 1 << bit
            with pytest.raises(named):
                VaultFile.parse(bytes(torn)).open(key)


def test_a_flipped_bit_in_the_box_is_called_damage_not_a_wrong_key(vault):
    fill(vault)
    torn = bytearray(file_of(vault).read_bytes())
    torn[-1] ^= 1
    file_of(vault).write_bytes(torn)
    fails_with(vault.helper.run("get", "r0.io"), "changed or damaged")
    request = json.dumps({"ServerURL": "x", "Username": "u", "Secret": "s"})
    fails_with(vault.helper.run("store", request), "changed or damaged")
    assert file_of(vault).read_bytes() == torn


def test_a_vault_that_is_named_and_missing_is_an_error(home):
    helper = home.with_variables(DOCKCRED_STORE="vault")
    for verb in ("get", "list", "erase"):
        fails_with(helper.run(verb, "r.io"), "no vault", "dockcred vault create")


# Where the key comes from


def test_a_key_file_named_for_the_call_comes_before_the_recorded_one(vault):
    fill(vault)
    moved = vault.key_file.with_name("moved")
    os.rename(vault.key_file, moved)
    fails_with(vault.helper.run("get", "r0.io"), "cannot be read")
    helper = vault.with_variables(DOCKCRED_VAULT_KEY_FILE=str(moved))
    assert helper.get("r0.io") == ("user", SECRETS[0])


def test_a_key_file_that_others_can_read_is_refused(vault):
    vault.key_file.chmod(0o644)
    fails_with(vault.helper.run("get", "r.io"), "others can read", "chmod 600")


@pytest.mark.parametrize("kind", ["key", "passphrase"])
def test_systemds_credentials_open_the_vault(home, kind):
    with short_directory() as credentials:
        file = credentials / f"dockcred-vault-{kind}"
        if kind == "passphrase":
            file.write_text("from systemd\n")
            file.chmod(0o400)
        made = home.run("dockcred", "vault", "create", f"--{kind}-file", str(file))
        assert made.returncode == 0, made.stderr
        if kind == "key":
            # The key file's path in the header must not be what opens the vault.
            (credentials / "moved").mkdir(mode=0o700)
            os.rename(file, credentials / "moved" / file.name)
            file = credentials / "moved" / file.name
        home.variables["CREDENTIALS_DIRECTORY"] = str(file.parent)
        fill(home)
        assert home.helper.get("r0.io") == ("user", SECRETS[0])


@pytest.fixture
def kernel():
    """Require the kernel's keyring, which containers often forbid."""
    if not vault_key.write("test", b"probe", 5):
        missing("the kernel's keyring is not allowed here")
    vault_key.forget("test")


@pytest.mark.usefixtures("kernel")
def test_the_kernel_holds_a_passphrases_key_from_unlock_to_lock(home):
    home.run("dockcred", "vault", "create", text="open sesame\n")
    fails_with(home.helper.run("get", "r.io"), "locked", "dockcred vault unlock")
    wrong = home.run("dockcred", "vault", "unlock", text="wrong\n")
    assert wrong.returncode == 1
    assert "does not open the vault" in wrong.stderr
    assert home.run("dockcred", "vault", "unlock", text="open sesame\n").returncode == 0
    fill(home)
    assert home.helper.get("r0.io") == ("user", SECRETS[0])
    assert home.run("dockcred", "vault", "lock").returncode == 0
    fails_with(home.helper.run("get", "r0.io"), "locked")


@pytest.mark.usefixtures("kernel")
def test_the_kernel_alone_can_hold_a_vaults_key(home):
    made = home.run("dockcred", "vault", "create", "--kernel-keyring")
    assert made.returncode == 0, made.stderr
    fill(home)
    assert home.helper.get("r0.io") == ("user", SECRETS[0])
    home.run("dockcred", "vault", "lock")
    fails_with(home.helper.run("get", "r0.io"), "locked")


def test_making_a_vault_says_what_it_protects_against_and_never_replaces_one(vault):
    fill(vault)
    before = file_of(vault).read_bytes()
    again = vault.run("dockcred", "vault", "create", "--key-file", "/tmp/never")
    assert again.returncode == 1
    assert "already" in again.stderr
    assert file_of(vault).read_bytes() == before
    assert not os.path.exists("/tmp/never")
    other = vault.run(
        "dockcred", "vault", "create", text="pass\n",
        DOCKCRED_VAULT_FILE=str(vault.path / "other"),
    )  # fmt: skip
    assert "protects against" in other.stdout
    assert "not against root" in other.stdout


def test_a_link_to_the_vault_stays_a_link(vault):
    real = vault.path / "real"
    os.rename(file_of(vault), real)
    file_of(vault).symlink_to(real)
    fill(vault)
    assert file_of(vault).is_symlink()
    environment = Environment(vault.variables)
    assert Vault(environment).users() == {f"r{n}.io": "user" for n in range(3)}
