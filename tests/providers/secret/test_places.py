"""A user and a password from a program, a file or a variable, as config.toml says."""

from __future__ import annotations

import json
import os
import time
from datetime import UTC, datetime

import pytest
from support.program import HOST as ECR
from support.program import NOT_FOUND, Program

from .conftest import HOST, Desk


def answered(answer) -> tuple[str, str]:
    assert answer.status == 0, answer
    found = json.loads(answer.stdout)
    return found["Username"], found["Secret"]


def test_a_program_prints_the_password_and_no_shell_reads_its_words(desk: Desk) -> None:
    desk.script('printf "%s|" "$#" "$@"')
    desk.configure(
        'username = "me"\npassword_command = ["print-it", "a b", "$HOME", "; id"]'
    )
    assert answered(desk.get()) == ("me", "3|a b|$HOME|; id|")


@pytest.mark.parametrize(
    ("written", "taken"),
    [
        ("secret\n", "secret"),
        ("secret\r\n", "secret"),
        ("secret", "secret"),
        ("secret\n\n", "secret\n"),
        ("  secret \n", "  secret "),
        ("secret\r", "secret\r"),
        ("pässwörd ✓\n", "pässwörd ✓"),
        ('{"type": "service_account"}\n', '{"type": "service_account"}'),
        ("{not json\n", "{not json"),
    ],
)
def test_one_end_of_line_is_taken_off_and_nothing_else(
    desk: Desk, written: str, taken: str
) -> None:
    """This holds for a file, a program and a variable."""
    path = desk.file(written)
    desk.script(f'cat "{path}"')
    variables = {"THE_SECRET": written}
    for place in (
        f'password_file = "{path}"',
        'password_command = ["print-it"]',
        'password_variable = "THE_SECRET"',
    ):
        desk.configure(f'username = "me"\n{place}')
        assert answered(desk.get(**variables)) == ("me", taken), place


def test_the_user_may_be_in_each_place_too(desk: Desk) -> None:
    path = desk.file("from-file\n")
    desk.script("echo from-command", "who")
    for place, user in (
        (f'username_file = "{path}"', "from-file"),
        ('username_command = ["who"]', "from-command"),
        ('username_variable = "WHO"', "from-variable"),
    ):
        desk.configure(f'{place}\npassword_variable = "SECRET"')
        found = answered(desk.get(SECRET="s3cr3t", WHO="from-variable"))
        assert found == (user, "s3cr3t")


def test_an_answer_in_json_says_who_and_until_when(desk: Desk) -> None:
    """The program is asked once until half of the answer's lifetime has passed."""
    ends = datetime.fromtimestamp(time.time() + 3600, UTC)
    answer = {"username": "robot", "password": "p4ss", "expiry": ends.isoformat()}
    path = desk.file(json.dumps(answer))
    desk.script(f'echo asked >>"$HOME/asked"; cat "{path}"')
    desk.configure('password_command = ["print-it"]')
    for _ in range(3):
        assert answered(desk.get()) == ("robot", "p4ss")
    assert (desk.home / "asked").read_text() == "asked\n"


@pytest.mark.parametrize("expiry", [None, "", "absent"])
def test_what_names_no_end_is_asked_each_time(desk: Desk, expiry) -> None:
    answer = {"username": "robot", "password": "p4ss", "expiry": expiry}
    if expiry == "absent":
        del answer["expiry"]
    path = desk.file(json.dumps(answer))
    desk.script(f'echo asked >>"$HOME/asked"; cat "{path}"')
    desk.configure('password_command = ["print-it"]')
    for _ in range(2):
        assert answered(desk.get()) == ("robot", "p4ss")
    assert (desk.home / "asked").read_text() == "asked\nasked\n"


@pytest.mark.parametrize("end", [3600, "z"])
def test_a_changed_file_is_seen_at_the_next_get(desk: Desk, end) -> None:
    """Also if the answer has an expiry and is cached, and through a symbolic link."""
    expiry = int(time.time()) + 3600
    texts = [
        json.dumps({"username": "me", "password": word, "expiry": expiry})
        if end == 3600
        else word
        for word in ("one", "two", "six")
    ]
    first, second = desk.file(texts[0], name="1"), desk.file(texts[1], name="2")
    link = desk.home / "link"
    link.symlink_to(first)
    desk.configure(f'username = "me"\npassword_file = "{link}"')
    assert answered(desk.get()) == ("me", "one")
    other = desk.home / "other"
    other.symlink_to(second)
    os.replace(other, link)
    assert answered(desk.get()) == ("me", "two")
    second.write_text(texts[2])
    assert answered(desk.get()) == ("me", "six")


def test_an_answer_is_kept_for_a_day_at_most(desk: Desk) -> None:
    expiry = time.time() + 400 * 86400
    desk.file(json.dumps({"username": "me", "password": "x", "expiry": expiry}))
    desk.configure(f'password_file = "{desk.home}/secret"')
    assert answered(desk.get()) == ("me", "x")
    (entry,) = (desk.home / "cache").glob(f"secret,{HOST},*[0-9a-f]")
    assert time.time() + 86000 < entry.stat().st_mtime < time.time() + 86500


def test_the_secret_is_for_its_host_alone(desk: Desk) -> None:
    """Look-alikes, subdomains and plain http get nothing, and no program runs."""
    desk.script('echo asked >>"$HOME/asked"; echo s3cr3t')
    desk.configure('username = "me"\npassword_command = ["print-it"]')
    assert answered(desk.get(f"https://{HOST}/v2/")) == ("me", "s3cr3t")
    (desk.home / "asked").unlink()
    for other in (
        f"{HOST}.example.com",
        f"x.{HOST}",
        f"{HOST}x",
        "registry-corp.example",
        f"http://{HOST}",
    ):
        assert desk.get(other).stdout == NOT_FOUND, other
    assert not (desk.home / "asked").exists()


def test_the_clouds_own_program_asks_there_too(desk: Desk, helper_bin) -> None:
    desk.configure('username = "me"\npassword_variable = "SECRET"', ECR)
    ecr = Program(str(helper_bin / "docker-credential-ecr-login"))
    found = ecr.get(desk.variables | {"SECRET": "s3cr3t"}, ECR)
    assert answered(found) == ("me", "s3cr3t")


def test_a_login_typed_by_hand_serves_where_the_variable_is_not_set(desk: Desk) -> None:
    """One config.toml serves job and person; without a login the error says why."""
    desk.script(
        'echo \'{"Username":"hand","Secret":"typed"}\'', "docker-credential-kept"
    )
    desk.configure(
        'username = "me"\npassword_variable = "SECRET"\nstore = "helper:kept"'
    )
    assert answered(desk.get()) == ("hand", "typed")
    assert answered(desk.get(SECRET="s3cr3t")) == ("me", "s3cr3t")
    desk.configure('username = "me"\npassword_variable = "SECRET"')
    said = desk.get().said
    assert said.startswith("password_variable names SECRET, which is not set here")
