"""The front gives the answer that Python would give, without Python, or none."""

from __future__ import annotations

import itertools
import os
import shlex
import shutil
import subprocess
import time

import pytest
from support.program import HOST

from dockcred.providers.ecr import ECR
from dockcred.system.environment import aws

from .conftest import Primed
from .launched import Launched

KEY = HOST.encode()


@pytest.mark.parametrize(
    "key",
    [HOST, f"{HOST}\n", f"https://{HOST}", f"{HOST}/team/app", f"https://{HOST}/"],
)
def test_a_fresh_hit_is_answered_without_python(launched, primed, shell, key) -> None:
    """The bytes are the same as Python's; the key is repeated as it was sent."""
    answer = launched(key.encode(), primed.environment, shell=shell)
    assert not answer.by_python
    assert answer.stdout == launched.plain_twin(key.encode(), primed.environment).stdout
    assert (answer.status, answer.stderr) == (0, b"")


@pytest.mark.parametrize(
    "key",
    [
        "",
        "\n",
        f" {HOST}",
        f"{HOST}:443",
        f"{HOST}.",
        HOST.upper(),
        f"http://{HOST}",
        f"HTTPS://{HOST}",
        f"{HOST}\r\n",
        f"{HOST}\nx",
        f"x\n{HOST}\n",
        f"{HOST}\n\n",
        f"u@{HOST}",
        f"{HOST}/%2e",
        f"{HOST}/$(id)`id`",
        f"{HOST}'",
        f"{HOST}*",
        "*",
        "?" * len(HOST),
        "../" * 8 + HOST,
        f"\ufeff{HOST}",
        f"{HOST}.evil.example",
        f"evil.example/{HOST}",
        HOST + "a" * 70_000,
    ],
)
def test_whatever_is_not_a_plain_key_is_pythons(launched, primed, shell, key) -> None:
    """Python gets the text that the front has read, and answers it."""
    answer = launched(key.encode(), primed.environment, shell=shell)
    twin = launched.plain_twin(key.encode(), primed.environment)
    assert answer.by_python
    assert (answer.status, answer.stdout) == (twin.status, twin.stdout)


def test_a_nul_never_widens_a_match(launched, primed, shell) -> None:
    """A shell drops the NUL or stops there; it never answers for another host."""
    answer = launched(b"evil.example\0" + KEY, primed.environment, shell=shell)
    assert primed.answer not in answer.stdout


@pytest.mark.parametrize("verb", ["list", "version", "store", "erase", "bogus", ""])
def test_other_verbs_are_pythons(launched, primed, shell, verb) -> None:
    assert launched(KEY, primed.environment, shell=shell, verb=verb).by_python


def test_an_expired_ticket_is_pythons(launched, primed, shell) -> None:
    os.utime(primed.ticket, (0, time.time() - 1))
    assert launched(KEY, primed.environment, shell=shell).by_python


def test_a_ticket_is_answered_to_the_end_and_not_after(launched, primed, shell) -> None:
    """Python may answer a second earlier: a shell cannot see fractions of seconds."""
    end = time.time() + 1.6
    os.utime(primed.ticket, (end, end))
    if shell != "busybox":  # busybox's `test` compares whole seconds
        answer = launched(KEY, primed.environment, shell=shell)
        assert not answer.by_python or time.time() > end - 1
    time.sleep(max(0.0, end - time.time()) + 0.01)
    assert launched(KEY, primed.environment, shell=shell).by_python


def test_the_clock_is_now_and_not_when_the_process_began(
    launched, primed, shell
) -> None:
    """A process that is older than its launcher has an old inode in /proc."""
    end = time.time() + 0.5
    os.utime(primed.ticket, (end, end))
    waiting = ("sh", "-c", 'ls -l /proc/$$/fd >/dev/null; sleep 1; exec "$@"', "sh")
    assert launched(KEY, primed.environment, shell=shell, before=waiting).by_python


def test_a_clock_set_back_is_pythons(launched, primed, shell) -> None:
    """The stamp is newer than the clock, so changes since then cannot be seen."""
    ahead = time.time() + 3600
    os.utime(primed.stamp, (ahead, ahead))
    assert launched(KEY, primed.environment, shell=shell).by_python


def test_a_ticket_without_its_stamp_is_pythons(launched, primed, shell) -> None:
    primed.stamp.unlink()
    assert launched(KEY, primed.environment, shell=shell).by_python


def test_a_link_in_place_of_a_stamp_is_pythons(launched, primed, shell) -> None:
    """The stamp must be a plain file, as the ticket is."""
    stamp = primed.stamp
    moved = stamp.rename(primed.cache / "moved")
    stamp.symlink_to(moved)
    assert launched(KEY, primed.environment, shell=shell).by_python


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_a_strangers_stamp_is_pythons(launched, primed, shell) -> None:
    os.chown(primed.stamp, 12345, 12345)
    assert launched(KEY, primed.environment, shell=shell).by_python


def test_a_short_answer_is_in_the_ticket(launched, primed, shell) -> None:
    """The ticket's `answer` line gives the same bytes, without a `cat`."""
    _, _, long = primed.ticket.read_text().partition("\nend\n")
    primed.edit(f"\nend\n{long}", f"\nanswer {long}end\n")
    answer = launched(KEY, primed.environment, shell=shell)
    assert not answer.by_python
    assert answer.stdout == primed.answer


@pytest.mark.usefixtures("own_mounts")
def test_without_proc_all_is_pythons(launched, primed, shell) -> None:
    hiding = ("unshare", "-m", "sh", "-c", 'mount -t tmpfs none /proc; exec "$@"', "sh")
    assert launched(KEY, primed.environment, shell=shell, before=hiding).by_python


@pytest.mark.parametrize("name", ECR().variables)
def test_any_variable_that_selects_makes_a_difference(launched, primed, name) -> None:
    """A variable with another value, or set and empty, means another identity."""
    for value in ("", "=", "a|b", "other"):
        assert launched(KEY, primed.environment | {name: value}).by_python


def test_a_value_with_a_bar_is_not_two_values(launched, primed) -> None:
    """A variable's value also holds the text of the next one, which is not set."""
    numbered = [
        (name, f"{number}={primed.environment[name]}")
        for number, name in enumerate(ECR().variables)
        if name in primed.environment
    ]
    assert len(numbered) > 2
    for (first, _), (second, written) in itertools.pairwise(numbered):
        both = dict(primed.environment)
        del both[second]
        both[first] += f"|{written}"
        assert launched(KEY, both).by_python


@pytest.mark.parametrize("name", ECR().secrets)
def test_a_secret_that_comes_or_goes_makes_a_difference(launched, primed, name) -> None:
    """The ticket compares only whether a secret is set, never its value."""
    assert launched(KEY, primed.environment | {name: ""}).by_python
    without = {k: v for k, v in primed.environment.items() if k != name}
    changed = without if name in primed.environment else without | {name: "other"}
    assert launched(KEY, changed).by_python


@pytest.mark.parametrize(
    "name", ["DOCKCRED_LOG", "DOCKCRED_CACHE", "AWS_ECR_CACHE_DIR"]
)
def test_what_is_handed_over_is_handed_over_even_empty(launched, primed, name) -> None:
    assert launched(KEY, primed.environment | {name: ""}).by_python


def test_without_a_home_all_is_pythons(launched, primed, shell) -> None:
    bare = {k: v for k, v in primed.environment.items() if k != "HOME"}
    assert launched(KEY, bare, shell=shell).by_python


def test_a_configuration_file_that_appears_is_pythons(launched, primed, shell) -> None:
    """Even if it was moved there, and is older than the stamp."""
    old = os.path.join(primed.environment["HOME"], "old")
    with open(old, "w") as file:
        file.write("[default]\nregion = eu-west-1\n")
    os.utime(old, (0, 0))
    directory = os.path.join(primed.environment["HOME"], ".aws")
    os.makedirs(directory, exist_ok=True)
    os.rename(old, os.path.join(directory, "config"))
    assert launched(KEY, primed.environment, shell=shell).by_python


def test_a_configuration_file_that_stays_is_no_hindrance(
    launched, cloud, shell
) -> None:
    environment = dict(cloud.environment("env-keys"))
    config = os.path.join(environment["HOME"], ".aws/config")
    os.makedirs(os.path.dirname(config), exist_ok=True)
    with open(config, "w") as file:
        file.write("[default]\nregion = eu-west-1\n")
    Primed(launched, environment)
    assert not launched(KEY, environment, shell=shell).by_python


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("ticket 6-", "ticket 5-"),
        (f"for {HOST}", "for other.example"),
        ("on ", "on another-boot "),
        ("\nend\n", "\n"),
        ("\nend\n", "\nen"),
        ("\nend\n", "\nunknown x\nend\n"),
        ("\nstamp ", "\nstamp ../"),
    ],
)
def test_a_ticket_that_is_not_whole_and_ours_is_pythons(
    launched, primed, shell, old, new
) -> None:
    primed.edit(old, new)
    assert launched(KEY, primed.environment, shell=shell).by_python


def test_a_link_in_place_of_a_ticket_is_pythons(launched, primed, shell) -> None:
    moved = primed.cache / "moved"
    primed.ticket.rename(moved)
    (primed.cache / f"{primed_name(primed, moved)}").symlink_to(moved)
    assert launched(KEY, primed.environment, shell=shell).by_python


def primed_name(primed: Primed, moved) -> str:
    """Return the ticket's name, which is the beginning of its stamp's name."""
    return primed.stamp.name.rpartition(".stamp")[0].rpartition(".")[0]


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
def test_a_strangers_ticket_is_pythons(launched, primed, shell) -> None:
    os.chown(primed.ticket, 12345, 12345)
    assert launched(KEY, primed.environment, shell=shell).by_python


HOSTILE = {
    "IFS": "e",
    "PATH": "/nonexistent",
    "ENV": "/etc/passwd",
    "BASH_ENV": "/etc/passwd",
    "SHELLOPTS": "xtrace:verbose",
    "PS4": "$(id >&2)",
    "BASH_FUNC_read%%": "() { echo stolen >&2; url=evil; }",
    "BASH_FUNC_printf%%": "() { echo stolen >&2; }",
    "BASH_FUNC_exec%%": "() { echo stolen >&2; }",
    "LC_ALL": "tr_TR.UTF-8",
    "url": "evil.example",
    "held": "12",
    "answer": '"Username":"evil"',
    "now": "/etc/passwd",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_environment_changes_nothing(launched, primed, shell, name) -> None:
    answer = launched(KEY, primed.environment | {name: HOSTILE[name]}, shell=shell)
    assert answer.stdout == primed.answer
    assert b"stolen" not in answer.stderr
    assert b"Secret" not in answer.stderr


def test_a_full_stdout_is_a_failure(launched, primed, shell) -> None:
    """The answer could not be written, so the exit code is 1."""
    command = (
        f"exec {shlex.join([shutil.which('sh'), str(launched.path)])} get >/dev/full"
    )
    with open(primed.cache / "key", "w+b") as key:
        key.write(KEY)
        key.seek(0)
        done = subprocess.run(
            ["sh", "-c", command],
            stdin=key,
            env=primed.environment,
            capture_output=True,
            check=False,
        )
    assert done.returncode == 1


def test_a_launcher_whose_python_is_gone_says_so(
    launched: Launched, primed, shell, tmp_path
) -> None:
    text = launched.path.read_text().replace(
        str(launched.python), "/nonexistent/python"
    )
    broken = tmp_path / launched.path.name
    broken.write_text(text)
    done = subprocess.run(
        ["sh", broken, "list"], env=primed.environment, capture_output=True, check=False
    )
    assert done.returncode == 1
    assert b"run dockcred install again" in done.stdout
    assert b"run dockcred install again" in done.stderr


def test_no_secret_is_in_what_the_ticket_compares(primed) -> None:
    text = primed.ticket.read_text()
    for name in aws.SECRETS:
        if value := primed.environment.get(name):
            assert value not in text
