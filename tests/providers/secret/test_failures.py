"""Failures of each place of a secret: one line with the cause, in time, no leaks."""

from __future__ import annotations

import os

import pytest
from support.program import LONG_S, wait_until

from .conftest import HOST, Desk

SECRET = "s3cr3t-of-the-registry"


def failing(desk: Desk, script: str, **variables: str) -> str:
    desk.script(script)
    desk.configure('username = "me"\npassword_command = ["print-it"]')
    answer = desk.get(**variables)
    assert SECRET.encode() not in answer.stdout + answer.stderr
    kept = [path.read_bytes() for path in desk.home.glob("cache/*") if path.is_file()]
    assert not any(SECRET.encode() in data for data in kept)
    return answer.said


@pytest.mark.parametrize(
    ("script", "cause"),
    [
        (f"echo {SECRET} >&2; exit 1", "print-it gave nothing (status 1)"),
        (f"echo {SECRET}; exit 3", "print-it gave nothing (status 3)"),
        (f"echo {SECRET}; kill -9 $$", "print-it gave nothing (status -9)"),
        ("exit 0", "what print-it printed is empty"),
        ("echo", "what print-it printed is empty"),
        (
            f"printf {SECRET}; head -c 2000000 /dev/zero | tr '\\0' x",
            "what print-it printed is longer than 64 KiB",
        ),
        (f"printf '{SECRET}\\0x'", "what print-it printed is no text in UTF-8"),
        (f"printf '{SECRET}\\377'", "what print-it printed is no text in UTF-8"),
        # The program has no terminal, neither by /dev/tty nor by stdin.
        (
            f"read -r x </dev/tty && echo {SECRET}; exit 4",
            "print-it gave nothing (status 4)",
        ),
        (
            f"read -r x && echo {SECRET}; [ -t 0 ] && echo {SECRET}; exit 5",
            "print-it gave nothing (status 5)",
        ),
        (
            f'echo \'{{"password": ["{SECRET}"]}}\'',
            "what print-it printed is JSON whose username or password is no text",
        ),
        (
            f'echo \'{{"password": "{SECRET}", "expiry": "soon"}}\'',
            "what print-it printed is JSON whose expiry is no time",
        ),
        (
            f'echo \'{{"password": "{SECRET}", "expiry": "2030-01-01T00:00:00"}}\'',
            "what print-it printed is JSON whose expiry is no time",
        ),
        (
            f'echo \'{{"password": "{SECRET}", "expiry": 1000000000}}\'',
            "what print-it printed is over by this clock",
        ),
    ],
)
def test_a_program_that_fails_is_told_in_one_line(
    desk: Desk, script: str, cause: str
) -> None:
    assert failing(desk, script).startswith(cause)


@pytest.mark.parametrize(
    "script",
    [
        f"sleep {LONG_S}",
        *(
            pytest.param(script, marks=pytest.mark.slow)
            for script in (
                f"sleep {LONG_S} & sleep {LONG_S}",
                "while :; do :; done",
                "yes",
            )
        ),
    ],
)
def test_a_program_that_hangs_is_ended_in_time_with_all_it_started(
    desk: Desk, script: str
) -> None:
    said = failing(desk, f"echo $$ >$HOME/pid; {script}", DOCKCRED_TIMEOUT="2")
    assert said.startswith("print-it did not answer within")
    leader = int((desk.home / "pid").read_text())
    wait_until(lambda: not _is_running(leader))


def _is_running(leader: int) -> bool:
    """Return whether a process group still has a process."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    return True


def test_neither_arguments_nor_variables_of_a_program_hold_a_secret(desk: Desk) -> None:
    """The only exception is a variable that config.toml names for the program."""
    secrets = {
        "REGISTRY_PASSWORD": SECRET,
        "GH_TOKEN": SECRET,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "BW_SESSION": SECRET,
        "VAULT_TOKEN": SECRET,
    }
    desk.script(
        'env >"$HOME/env"; tr "\\0" "\\n" </proc/$$/cmdline >"$HOME/argv"; echo other'
    )
    desk.configure(
        'username_variable = "REGISTRY_PASSWORD"\npassword_command = ["print-it"]'
    )
    assert desk.get(**secrets, VAULT_ADDR="https://vault.example").password == "other"
    given = (desk.home / "env").read_text()
    assert "VAULT_ADDR=https://vault.example" in given
    assert SECRET not in given
    assert SECRET not in (desk.home / "argv").read_text()
    desk.get(**secrets, DOCKCRED_CHILD_VARIABLES="BW_SESSION")
    given = (desk.home / "env").read_text()
    assert f"BW_SESSION={SECRET}" in given
    assert given.count(SECRET) == 1


@pytest.mark.parametrize(
    ("mode", "cause"),
    [
        (0o604, "others can read it"),
        (0o644, "others can read it"),
        (0o602, "others can write it"),
        (0o620, "others can write it"),
        (0o601, "others can read it"),
    ],
)
def test_a_file_that_others_can_read_or_write_is_refused(
    desk: Desk, mode: int, cause: str
) -> None:
    """The same file is accepted if only its owner and group can read it."""
    path = desk.file(SECRET, mode)
    desk.configure(f'username = "me"\npassword_file = "{path}"')
    answer = desk.get()
    assert answer.said.startswith(f"{path} is refused: {cause}; run: chmod ")
    assert SECRET.encode() not in answer.stdout
    path.chmod(0o640)
    assert desk.get().password == SECRET


def test_another_users_file_is_refused(desk: Desk) -> None:
    if os.geteuid() != 0:
        pytest.skip("root alone can make another's file")
    path = desk.file(SECRET)
    os.chown(path, 4242, 0)
    desk.configure(f'username = "me"\npassword_file = "{path}"')
    assert desk.get().said.startswith(f"{path} is refused: others can write it")


def test_what_is_no_file_is_refused_and_not_waited_for(desk: Desk) -> None:
    os.mkfifo(desk.home / "pipe", 0o600)
    (desk.home / "folder").mkdir(mode=0o700)
    for name in ("pipe", "folder"):
        desk.configure(f'username = "me"\npassword_file = "{desk.home}/{name}"')
        said = desk.get().said
        assert said.startswith(
            f"password_file names {desk.home}/{name}, which is no fi"
        )


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ('password_command = ["gone"]', "password_command names gone, which is not on"),
        (
            'password_command = ["./x"]',
            "password_command names './x', which is another program in each directory",
        ),
        (
            'password_command = ["/gone/x"]',
            "password_command names /gone/x, which is no program that can be run",
        ),
        ("password_command = []", "password_command names no program"),
        ('password_file = "gone"', "password_file names 'gone', which is another file"),
        ('password_file = "/gone"', "password_file names /gone, which is not there"),
        (
            'password_file = "$CREDENTIALS_DIRECTORY/x"',
            "password_file names $CREDENTIALS_DIRECTORY/x, and no service manager",
        ),
        (
            'password_variable = "GONE"',
            "password_variable names GONE, which is not set here",
        ),
    ],
)
def test_what_is_not_there_is_named_and_never_done_without(
    desk: Desk, entry: str, cause: str
) -> None:
    desk.configure(f'username = "me"\n{entry}')
    assert desk.get().said.startswith(cause)
    desk.configure(f'username = "me"\nanonymous = true\n{entry}')
    found = desk.get()
    is_missing = "is another" not in cause and "no program;" not in cause
    is_missing = is_missing and entry != "password_command = []"
    assert (found.stdout == b"credentials not found in native keychain\n") == is_missing


@pytest.mark.parametrize(
    ("entry", "cause"),
    [
        ('password_command = "pass show x"', "password_command is not a list of texts"),
        ("password_file = 1", "password_file is not a text"),
        (
            'password_file = "/x"\npassword_variable = "X"',
            "password_file and password_variable are two places of one secret",
        ),
        (
            'username = "me"\nusername_file = "/x"\npassword_file = "/x"',
            "username and username_file are two places of one secret",
        ),
        ('username_file = "/x"', "username_file says where a secret is, and no entry"),
        (
            'identity = "oidc"\npassword_file = "/x"',
            "password_file says where a secret is, and no entry",
        ),
    ],
)
def test_half_an_entry_is_told_with_its_line(
    desk: Desk, entry: str, cause: str
) -> None:
    desk.configure(entry)
    place, _, rest = desk.get().said.partition(": ")
    assert place.startswith(f"{desk.home}/config.toml:")
    assert rest.startswith(cause)


def test_strangers_hosts_are_never_answered(desk: Desk) -> None:
    desk.configure('username = "me"\npassword_variable = "SECRET"', "registry.*")
    assert "matches strangers' hosts" in desk.get("registry.example", SECRET="x").said


def test_who_is_missing_or_is_no_user_is_told(desk: Desk) -> None:
    desk.configure('password_variable = "P"')
    said = desk.get(P=SECRET).said
    assert said.startswith(f"nothing says who logs in to {HOST}")
    desk.configure('username_variable = "U"\npassword_variable = "P"')
    for user in ("me:x", "a\nb"):
        said = desk.get(P=SECRET, U=user).said
        assert said.startswith(f"the username for {HOST} is none")
