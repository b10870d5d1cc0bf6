"""gpg's complaints about a key are told, with a remedy that works; pinentry may ask."""

from __future__ import annotations

import json
import shutil
import subprocess
import time

import pytest
from support.program import BUSY_S

from .parts import ours
from .places import Home, set_up_pass, short_directory, stop_gpg

LOGIN = json.dumps({"ServerURL": "r.io", "Username": "user", "Secret": "s3cr3t"})
PASSPHRASE = "a passphrase of somebody"
TYPIST = """#!/bin/sh
echo 'OK ready'
while read -r command rest; do
    case $command in
        GETPIN) sleep {seconds}; echo 'D {passphrase}'; echo OK ;;
        BYE) echo OK; exit ;;
        *) echo OK ;;
    esac
done
"""


def fails(home, *phrases, verb="store", text=LOGIN):
    """Expect our helper to fail with these phrases, and docker's helper to fail."""
    answer = home.helper.run(verb, text)
    said = answer.stdout.decode()
    assert answer.status == 1
    for phrase in phrases:
        assert phrase in said, said
    assert "s3cr3t" not in said + answer.stderr.decode()
    assert home.peer("pass").run(verb, text).status == 1
    return said


def make_key(home, name, *more):
    made = home.run(
        "gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key",
        name, "default", "default", *more,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr


def test_a_key_that_is_not_trusted_is_named_and_its_remedy_works(password_store):
    with short_directory() as other:
        stranger = Home(other)
        (other / ".gnupg").mkdir(mode=0o700)
        make_key(stranger, "stranger@example.invalid", "never")
        public = stranger.run("gpg", "--armor", "--export").stdout
        stop_gpg(stranger)
    password_store.run("gpg", "--batch", "--import", text=public)
    (password_store.path / ".password-store/.gpg-id").write_text(
        "stranger@example.invalid\n"
    )
    said = fails(password_store, "There is no assurance this key belongs")
    command = said.partition("run 'gpg ")[2].partition("'")[0].split()
    assert command[0] == "--edit-key"
    answers = ("--no-tty", "--command-fd", "0")
    done = password_store.run("gpg", *answers, *command, text="5\ny\n")
    assert done.returncode == 0, done.stderr
    assert password_store.helper.run("store", LOGIN).status == 0


def test_a_key_that_is_gone_is_named_and_its_remedy_works(password_store):
    place = password_store.path / ".password-store/.gpg-id"
    place.write_text("0123456789ABCDEF0123456789ABCDEF01234567\n")
    fails(password_store, "89ABCDEF01234567: skipped: ", "run 'pass init'")
    password_store.run("pass", "init", "test@example.invalid")
    password_store.helper.store("r.io", "user", "s3cr3t")
    assert password_store.helper.get("r.io") == ("user", "s3cr3t")


def test_a_key_that_has_expired_is_named_as_such(password_store):
    make_key(password_store, "old@example.invalid", "seconds=1")
    listed = password_store.run("gpg", "--with-colons", "-k", "old@example.invalid")
    lines = [line.split(":") for line in listed.stdout.splitlines()]
    fingerprint = next(line[9] for line in lines if line[0] == "fpr")
    (password_store.path / ".password-store/.gpg-id").write_text(f"{fingerprint}\n")
    time.sleep(2)
    said = fails(password_store, fingerprint, "Unusable public key")
    assert "gpg --quick-set-expire FINGERPRINT 1y" in said
    extend = ("gpg", "--batch", "--quick-set-expire", fingerprint, "1y")
    for more in ((), ("*",)):
        assert password_store.run(*extend, *more).returncode == 0
    assert password_store.helper.run("store", LOGIN).status == 0


def test_an_entry_for_a_key_that_is_not_here_names_the_key(password_store):
    password_store.helper.store("r.io", "user", "s3cr3t")
    listed = password_store.run("gpg", "--with-colons", "-k").stdout.splitlines()
    (key,) = [line.split(":")[4] for line in listed if line.startswith("sub:")]
    with short_directory() as other:
        helper = password_store.with_variables(GNUPGHOME=str(other))
        answer = helper.run("get", "r.io")
    assert answer.status == 1
    assert key in answer.stdout.decode()
    assert "import that key's private part" in answer.stdout.decode()


def test_one_broken_entry_spoils_no_other(password_store):
    password_store.helper.store("good.io", "user", "s3cr3t")
    password_store.helper.store("bad.io", "user", "s3cr3t")
    (broken,) = password_store.path.glob(".password-store/*/YmFkLmlv/*.gpg")
    for junk in (b"", b"junk", b"\x85\x01"):
        broken.write_bytes(junk)
        fails(password_store, "gpg did not decrypt", verb="get", text="bad.io")
        assert password_store.helper.get("good.io") == ("user", "s3cr3t")
        assert password_store.helper.list() == password_store.peer("pass").list()


# Relative directories: docker's helper runs pass and gpg in its current directory


def ask(home, verb, text, cwd, program="docker-credential-keyring", **variables):
    peer = program == "docker-credential-pass"
    found = home.peer("pass").program if peer else ours(program)
    done = subprocess.run(
        [found, verb],
        input=text,
        capture_output=True,
        text=True,
        env={**home.variables, **variables},
        cwd=cwd,
        timeout=BUSY_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return json.loads(done.stdout or "{}")


@pytest.mark.parametrize(
    "variables",
    [
        {"GNUPGHOME": ".gnupg"},
        {"PASSWORD_STORE_DIR": ".password-store"},
        {"PASSWORD_STORE_GPG_OPTS": "--homedir .gnupg"},
        {"GNUPGHOME": ".gnupg", "PASSWORD_STORE_DIR": "./.password-store"},
        {"HOME": "."},
    ],
    ids="+".join,
)
def test_a_relative_directory_is_meant_where_we_stand(password_store, variables):
    path = password_store.path
    ask(password_store, "store", LOGIN, path, **variables)
    wanted = {"ServerURL": "r.io", "Username": "user", "Secret": "s3cr3t"}
    for program in ("docker-credential-keyring", "docker-credential-pass"):
        assert ask(password_store, "list", "", path, program, **variables) == {
            "r.io": "user"
        }
        assert ask(password_store, "get", "r.io", path, program, **variables) == wanted


@pytest.mark.parametrize(
    "variables",
    [
        {"GNUPGHOME": ".gnupg"},
        {"PASSWORD_STORE_DIR": ".password-store"},
        {"PASSWORD_STORE_GPG_OPTS": "--homedir .gnupg"},
        {"HOME": "."},
    ],
    ids="+".join,
)
def test_a_helper_that_auto_asks_gets_the_directories_we_mean(
    password_store, variables
):
    password_store.helper.store("r.io", "user", "s3cr3t")
    path = password_store.path
    more = {"DOCKCRED_STORE": "helper:pass", **variables}
    auto = "docker-credential-auto"
    assert ask(password_store, "get", "r.io", path, auto, **more)["Secret"] == "s3cr3t"
    assert ask(password_store, "list", "", path, auto, **more)["r.io"] == "user"


# Programs that exist and are refused


@pytest.mark.parametrize("name", ["gpg", "pass"])
def test_a_program_that_everybody_could_have_written_is_refused_by_name(
    password_store, name
):
    password_store.helper.store("r.io", "user", "s3cr3t")
    shared = password_store.path / "shared"
    shared.mkdir()
    (shared / name).write_text("#!/bin/sh\necho trapped\n")
    (shared / name).chmod(0o755)
    shared.chmod(0o777)
    helper = password_store.with_variables(PATH=str(shared))
    verb, text = ("get", "r.io") if name == "gpg" else ("store", LOGIN)
    said = helper.run(verb, text).stdout.decode()
    assert f"{shared}/{name} is not run" in said
    assert f"chmod o-w {shared}" in said
    assert "not installed" not in said
    shared.chmod(0o755)
    assert "is not run" not in helper.run(verb, text).stdout.decode()


def test_a_program_that_may_not_be_executed_is_not_called_missing(password_store):
    password_store.helper.store("r.io", "user", "s3cr3t")
    shared = password_store.path / "shared"
    shared.mkdir()
    (shared / "gpg").write_text("no program yet")
    said = password_store.with_variables(PATH=str(shared)).run("get", "r.io").stdout
    assert f"{shared}/gpg may not be executed" in said.decode()


# A passphrase that a person types


@pytest.fixture
def typed(home):
    """Provide a store whose key has a passphrase; a pinentry types it after a delay."""
    set_up_pass(home)
    home.variables["DOCKCRED_STORE"] = "pass"
    home.helper.store("r.io", "user", "s3cr3t")
    script = home.path / "pinentry"

    def types_after(seconds):
        script.write_text(TYPIST.format(seconds=seconds, passphrase=PASSPHRASE))
        script.chmod(0o755)
        (home.path / ".gnupg/gpg-agent.conf").write_text(f"pinentry-program {script}\n")
        stop_gpg(home)

    types_after(0)
    done = home.run("gpg", "--passwd", "test@example.invalid")
    assert done.returncode == 0, done.stderr
    yield home, types_after
    stop_gpg(home)
    shutil.rmtree(home.path / ".gnupg", ignore_errors=True)


@pytest.mark.slow
def test_a_person_who_types_for_longer_than_a_call_is_waited_for(typed):
    home, types_after = typed
    del home.variables["DOCKCRED_TIMEOUT"]
    types_after(12)
    assert home.peer("pass").get("r.io") == ("user", "s3cr3t")
    stop_gpg(home)
    assert home.helper.get("r.io") == ("user", "s3cr3t")


def test_a_time_that_is_set_holds_and_is_named(typed):
    """After raising it, as the error says, the person has that much time."""
    home, types_after = typed
    types_after(6)
    answer = home.with_variables(DOCKCRED_TIMEOUT="3").run("get", "r.io")
    assert answer.status == 1
    assert b"raise DOCKCRED_TIMEOUT" in answer.stdout
    stop_gpg(home)
    raised = home.with_variables(DOCKCRED_TIMEOUT="45")
    assert raised.get("r.io") == ("user", "s3cr3t")
