"""`pass`, shared with docker's own helper, and the faults of docker's helper."""

from __future__ import annotations

import json
import os

import pytest

from dockcred.testing.store_contract import NOT_FOUND

from .places import set_up_pass, stop_gpg

SECRET = "pä'ss\"wörd 𝄞\nand a line"


@pytest.fixture
def docker(password_store):
    return password_store.peer("pass")


def entries(home):
    root = home.path / ".password-store"
    return sorted(str(path.relative_to(root)) for path in root.rglob("*.gpg"))


def test_docker_reads_lists_and_erases_what_we_wrote(password_store, docker):
    password_store.helper.store("https://r.io", "user", SECRET)
    assert docker.get("https://r.io") == ("user", SECRET)
    assert docker.list() == {"https://r.io": "user"}
    docker.erase("https://r.io")
    password_store.helper.finds_nothing("https://r.io")


def test_we_read_list_and_erase_what_docker_wrote(password_store, docker):
    docker.store("https://r.io", "user", SECRET)
    assert password_store.helper.get("https://r.io") == ("user", SECRET)
    assert password_store.helper.list() == {"https://r.io": "user"}
    password_store.helper.erase("https://r.io")
    assert entries(password_store) == []
    assert docker.list() == {}


def test_each_replaces_what_the_other_wrote(password_store, docker):
    docker.store("r.io", "user", "from docker")
    password_store.helper.store("r.io", "user", "from us")
    assert docker.get("r.io") == ("user", "from us")
    docker.store("r.io", "user", "from docker again")
    assert password_store.helper.get("r.io") == ("user", "from docker again")


def test_pass_itself_shows_what_we_wrote(password_store):
    password_store.helper.store("r.io", "user", SECRET)
    shown = password_store.run(
        "pass", "show", "docker-credential-helpers/ci5pbw==/user"
    )
    assert shown.stdout == SECRET


def test_a_line_end_that_an_editor_adds_is_not_part_of_the_secret(password_store):
    password_store.run(
        "pass",
        "insert",
        "-m",
        "docker-credential-helpers/ci5pbw==/user",
        text="typed\n",
    )
    assert password_store.helper.get("r.io") == ("user", "typed")


# protocol.md C.2, points 4 to 6


def test_a_second_user_replaces_the_first_where_dockers_helper_goes_stale(
    password_store, docker
):
    for user in ("anna", "zoe"):
        docker.store("peer.io", user, user)
        password_store.helper.store("ours.io", user, user)
    assert docker.get("peer.io") == ("anna", "anna")
    assert password_store.helper.get("peer.io") == ("zoe", "zoe")
    assert password_store.helper.get("ours.io") == ("zoe", "zoe")
    assert len([e for e in entries(password_store) if "b3Vycy5pbw==" in e]) == 1


def test_a_slash_in_the_user_name_is_kept_where_dockers_helper_answers_a_listing(
    password_store, docker
):
    docker.store("peer.io", "team/robot", "secret")
    assert "robot" in docker.get("peer.io")[1]
    assert password_store.helper.get("peer.io") == ("team/robot", "secret")
    password_store.helper.store("ours.io", "team/robot", "secret")
    assert password_store.helper.get("ours.io") == ("team/robot", "secret")
    assert docker.get("ours.io")[1] == "secret"


def test_dots_in_the_user_name_stay_inside_where_dockers_helper_walks_out(
    password_store, docker
):
    docker.store("peer.io", "../../evil", "secret")
    assert entries(password_store) == ["evil.gpg"]
    password_store.run("pass", "rm", "-f", "evil")
    password_store.helper.store("ours.io", "../../evil", "secret")
    assert [path.count("/") for path in entries(password_store)] == [2]
    assert entries(password_store)[0].startswith("docker-credential-helpers/")
    assert password_store.helper.get("ours.io") == ("../../evil", "secret")


def test_an_uninitialised_store_is_an_error_where_dockers_helper_misleads(home):
    """docker's helper answers an empty credential (0.6) or finds nothing (0.9)."""
    assert b"init" not in home.peer("pass").run("get", "r.io").stdout
    for verb in ("get", "list", "erase"):
        answer = home.with_variables(DOCKCRED_STORE="pass").run(verb, "r.io")
        assert answer.status == 1
        assert "pass init" in answer.stdout.decode()
        assert NOT_FOUND not in answer.stdout.decode()


# The way to gpg


def test_a_key_that_is_gone_is_an_error_with_gpgs_own_reason(password_store):
    password_store.helper.store("r.io", "user", "secret")
    empty = password_store.path / "other"
    empty.mkdir(mode=0o700)
    helper = password_store.with_variables(GNUPGHOME=str(empty), DOCKCRED_STORE="pass")
    answer = helper.run("get", "r.io")
    assert answer.status == 1
    assert "gpg did not decrypt the entry" in answer.stdout.decode()
    assert "secret" not in answer.stdout.decode().lower().replace("no secret key", "")


def test_the_options_that_pass_gives_to_gpg_are_honoured(password_store):
    stop_gpg(password_store)
    elsewhere = password_store.path / "keys"
    os.rename(password_store.path / ".gnupg", elsewhere)
    helper = password_store.with_variables(
        DOCKCRED_STORE="pass", PASSWORD_STORE_GPG_OPTS=f"--homedir {elsewhere}"
    )
    helper.store("r.io", "user", "secret")
    assert helper.get("r.io") == ("user", "secret")
    password_store.run("gpgconf", "--homedir", str(elsewhere), "--kill", "all")


def test_another_directory_of_the_store_is_honoured(home):
    home.variables |= {
        "PASSWORD_STORE_DIR": str(home.path / "elsewhere"),
        "DOCKCRED_STORE": "pass",
    }
    set_up_pass(home)
    home.helper.store("r.io", "user", "secret")
    assert home.helper.get("r.io") == ("user", "secret")
    assert (home.path / "elsewhere/docker-credential-helpers").is_dir()
    stop_gpg(home)


def test_a_store_under_git_gets_a_commit_for_each_change(password_store):
    for name in ("user.name", "user.email"):
        password_store.run("git", "config", "--global", name, "test@example.invalid")
    password_store.run("pass", "git", "init")
    password_store.helper.store("r.io", "user", "secret")
    password_store.helper.erase("r.io")
    log = password_store.run("pass", "git", "log", "--format=%s").stdout
    assert "Remove docker-credential-helpers/ci5pbw==/user" in log
    assert "docker-credential-helpers/ci5pbw==/user" in log.partition("\n")[2]


def test_no_shell_sees_a_name_and_no_argument_holds_a_secret(password_store):
    """Shell code in a name is not run; secrets go through stdin."""
    witness = password_store.path / "witness"
    user = f"$(touch {witness}) `touch {witness}`; touch {witness}"
    password_store.helper.store("r.io", user, "secret")
    assert password_store.helper.get("r.io") == (user, "secret")
    assert not witness.exists()


def test_a_program_of_the_working_directory_is_never_run(password_store):
    password_store.helper.store("r.io", "user", "secret")
    trap = password_store.path / "gpg"
    trap.write_text("#!/bin/sh\necho trapped\n")
    trap.chmod(0o755)
    answer = password_store.run(
        "docker-credential-keyring",
        "get",
        text="r.io",
        PATH=f".::{password_store.variables['PATH']}",
    )
    assert json.loads(answer.stdout)["Secret"] == "secret"


def test_a_name_too_long_for_a_file_is_refused_before_anything_is_written(
    password_store,
):
    request = {"ServerURL": "r.io", "Username": "u" * 300, "Secret": "s"}
    answer = password_store.helper.run("store", json.dumps(request))
    assert answer.status == 1
    assert "too long" in answer.stdout.decode()
    assert entries(password_store) == []
