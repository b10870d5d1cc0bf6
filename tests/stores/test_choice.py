"""Which backend answers, and which choices are refused."""

from __future__ import annotations

import os

import pytest

from dockcred.errors import InvalidInputError
from dockcred.stores import choice
from dockcred.system.environment import Environment
from dockcred.testing.store_contract import NOT_FOUND

PLAINTEXT = "keyrings.alt.file.PlaintextKeyring"


def fails_with(answer, *phrases):
    assert answer.status == 1, answer
    said = answer.stdout.decode()
    assert said.count("\n") == 1
    assert NOT_FOUND not in said
    for phrase in phrases:
        assert phrase in said, said


def test_with_nothing_at_all_one_message_names_two_commands_that_fix_it(home):
    for verb, text in (
        ("get", "r.io"),
        ("list", ""),
        ("erase", "r.io"),
        ("store", '{"ServerURL":"r.io","Username":"u","Secret":"s"}'),
    ):
        fails_with(
            home.helper.run(verb, text),
            "nothing here keeps credentials",
            "'dockcred vault create --key-file /",
            "/dockcred/vault.key'",
            "'docker login'",
        )


def test_the_command_that_the_message_names_fixes_it(home):
    said = home.helper.run("get", "r.io").stdout.decode()
    command = said.partition("run '")[2].partition("'")[0]
    key = str(home.path.parent / f"{home.path.name}-key")
    *words, place = command.split()
    assert place.endswith("/dockcred/vault.key")
    fixed = home.run(*words, key)
    assert fixed.returncode == 0, fixed.stderr
    home.helper.finds_nothing("r.io")
    home.helper.store("r.io", "user", "secret")
    assert home.helper.get("r.io") == ("user", "secret")
    home.run("rm", key)


def test_version_and_usage_need_no_backend(home):
    for argument in ("version", "--help"):
        assert home.run("docker-credential-keyring", argument).returncode == 0


def test_a_store_is_named_by_its_variable(home):
    for name in choice.NAMES:
        variables = Environment({"DOCKCRED_STORE": name.upper(), "HOME": "/nowhere"})
        assert choice.choose(variables) == name


@pytest.mark.parametrize("name", choice.NAMES)
def test_a_store_of_another_system_is_refused_in_one_sentence(home, name):
    """A config.toml may come from another machine; tests/windows has Windows."""
    home.variables["DOCKCRED_STORE"] = name
    answer = home.helper.run("get", "r.io")
    fails_with(answer, "; ")
    assert b"unforeseen" not in answer.stdout


def test_a_store_that_nobody_knows_is_refused_with_the_names_of_those_known():
    with pytest.raises(InvalidInputError, match="secretservice, pass, vault"):
        choice.choose(Environment({"DOCKCRED_STORE": "plaintext", "HOME": "/nowhere"}))


def test_a_vault_that_was_made_wins_over_the_session_bus(desk):
    """The choice must not depend on the session: over ssh the same store answers."""
    made = desk.run("dockcred", "vault", "create", "--key-file", f"{desk.path}/../k")
    assert made.returncode == 0
    desk.helper.store("r.io", "user", "in the vault")
    del desk.variables["DBUS_SESSION_BUS_ADDRESS"], desk.variables["XDG_RUNTIME_DIR"]
    assert desk.helper.get("r.io") == ("user", "in the vault")
    desk.run("rm", f"{desk.path}/../k")


@pytest.mark.parametrize(
    ("backend", "store"),
    [
        ("keyring.backends.SecretService.Keyring", "secretservice"),
        ("keyring.backends.libsecret.Keyring", "secretservice"),
        ("keyring.backends.macOS.Keyring", "osxkeychain"),
        ("keyring.backends.Windows.WinVaultKeyring", "wincred"),
        ("keyring.backends.kwallet.DBusKeyring", "kwallet"),
        (PLAINTEXT, "keyring"),
    ],
)
def test_keyrings_own_variable_chooses_and_docker_items_are_shared(backend, store):
    variables = {"PYTHON_KEYRING_BACKEND": backend, "HOME": "/nowhere"}
    assert choice.choose(Environment(variables)) == store


def test_a_plaintext_backend_needs_its_own_switch(home):
    home.variables["PYTHON_KEYRING_BACKEND"] = PLAINTEXT
    for verb in ("get", "list"):
        fails_with(home.helper.run(verb, "r.io"), "DOCKCRED_ALLOW_INSECURE=1")
    allowed = home.with_variables(DOCKCRED_ALLOW_INSECURE="1")
    allowed.store("r.io", "user", "secret")
    assert allowed.get("r.io") == ("user", "secret")


@pytest.mark.parametrize("kind", ["fail", "null"])
def test_a_backend_that_keeps_nothing_is_refused_whatever_the_switch(home, kind):
    home.variables["PYTHON_KEYRING_BACKEND"] = f"keyring.backends.{kind}.Keyring"
    helper = home.with_variables(DOCKCRED_ALLOW_INSECURE="1")
    fails_with(helper.run("get", "r.io"), "keeps nothing")


def test_a_chain_with_a_plaintext_member_is_refused(home):
    home.variables["PYTHON_KEYRING_BACKEND"] = "keyring.backends.chainer.ChainerBackend"
    fails_with(home.helper.run("get", "r.io"), "does not protect secrets")


def test_a_backend_that_does_not_exist_is_named(home):
    home.variables["PYTHON_KEYRING_BACKEND"] = "no.such.Backend"
    fails_with(home.helper.run("get", "r.io"), "no backend no.such.Backend")


def test_a_backend_that_does_not_work_here_is_named(home):
    helper = home.with_variables(DOCKCRED_STORE="kwallet")
    fails_with(helper.run("get", "r.io"), "kwallet")


def test_a_backend_that_asks_on_the_terminal_is_an_error_not_a_hang(home):
    """getpass falls back to stdin, where it would read the server as a password."""
    (home.path / "asking.py").write_text(
        "import getpass\n"
        "from keyring.backend import KeyringBackend\n"
        "class Keyring(KeyringBackend):\n"
        "    priority = 1\n"
        "    def get_password(self, service, username):\n"
        "        return getpass.getpass()\n"
        "    set_password = delete_password = get_password\n"
    )
    helper = home.with_variables(
        PYTHON_KEYRING_BACKEND="asking.Keyring", PYTHONPATH=str(home.path)
    )
    fails_with(helper.run("get", "r.io"), "asks for a password")


def write_keyringrc(home, text):
    directory = home.path / ".config/python_keyring"
    directory.mkdir(parents=True)
    file = directory / "keyringrc.cfg"
    file.write_text(text)
    return file


def test_keyrings_configuration_file_is_honoured(home):
    write_keyringrc(home, f"[backend]\ndefault-keyring={PLAINTEXT}\n")
    fails_with(home.helper.run("get", "r.io"), "does not protect secrets")
    home.variables["DOCKCRED_ALLOW_INSECURE"] = "1"
    home.helper.store("r.io", "user", "secret")
    assert home.helper.get("r.io") == ("user", "secret")


def test_keyrings_variable_wins_over_its_file(home):
    write_keyringrc(home, f"[backend]\ndefault-keyring={PLAINTEXT}\n")
    variables = {
        "HOME": str(home.path),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.macOS.Keyring",
    }
    assert choice.choose(Environment(variables)) == "osxkeychain"


def test_a_broken_configuration_file_is_no_traceback(home):
    write_keyringrc(home, "no section\n")
    fails_with(home.helper.run("get", "r.io"), "nothing here keeps credentials")


def test_a_directory_to_import_from_is_never_taken_by_root_or_from_a_stranger(
    home, monkeypatch
):
    file = write_keyringrc(home, "[backend]\nkeyring-path=/tmp/planted\n")
    variables = Environment({"HOME": str(home.path)})
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert choice.search_path(variables) == ""
    monkeypatch.setattr("os.geteuid", lambda: file.stat().st_uid + 1)
    assert choice.search_path(variables) == ""


def test_a_directory_to_import_from_is_taken_from_a_file_of_ones_own(home, monkeypatch):
    file = write_keyringrc(home, "[backend]\nkeyring-path=~/backends\n")
    file.chmod(0o600)
    if os.geteuid() == 0:
        os.chown(file, 1000, -1)
    owner = file.stat().st_uid
    monkeypatch.setattr("os.geteuid", lambda: owner)
    variables = Environment({"HOME": str(home.path)})
    assert choice.search_path(variables) == f"{home.path}/backends"
    file.chmod(0o666)
    assert choice.search_path(variables) == ""


def test_a_strange_account_name_is_refused(vault):
    helper = vault.with_variables(DOCKCRED_ACCOUNT="a#b/c")
    fails_with(helper.run("get", "r.io"), "DOCKCRED_ACCOUNT")
