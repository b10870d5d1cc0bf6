"""The contract of a credsStore: behaviours that each helper program must have.

Run it on an empty store; it uses names below `.invalid`, and Docker Hub's own keys:

    python -m dockcred.testing.store_contract docker-credential-NAME

Or parametrise a test with BEHAVIOURS. Each behaviour is a function of a Helper.
"""

# ruff: noqa: D401 - a behaviour is a statement, not an order
from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

NOT_FOUND = "credentials not found in native keychain"
HOST = "contract.invalid"
_HUB = "https://index.docker.io/v1/"
_TIMEOUT_S = 60.0
_PLANES = "".join(chr(plane * 0x10000 + 0x1234) for plane in range(17))


class Answer:
    """The result of one call of a helper."""

    def __init__(self, status: int, stdout: bytes, stderr: bytes) -> None:
        """Take the exit status and both streams."""
        self.status = status
        self.stdout = stdout
        self.stderr = stderr

    def __repr__(self) -> str:
        """Show all three; the secrets are the contract's own."""
        return f"Answer({self.status}, {self.stdout[:300]!r}, {self.stderr[:300]!r})"


class Helper:
    """A helper program, and the environment to run it in."""

    def __init__(
        self,
        program: str,
        environment: Mapping[str, str] | None = None,
        host: str = HOST,
    ) -> None:
        """Take the program's name; without `environment` it gets that of this process.

        The behaviours store under `host`, and under names made from it.
        """
        self.program = program
        self.environment = environment
        self.host = host

    def run(self, verb: str, text: str = "") -> Answer:
        """Run one verb with `text` on stdin."""
        ended = subprocess.run(
            [self.program, verb],
            input=text.encode(),
            capture_output=True,
            env=self.environment,
            timeout=_TIMEOUT_S,
            check=False,
        )
        return Answer(ended.returncode, ended.stdout, ended.stderr)

    def store(self, server: str, user: str, secret: str) -> None:
        """Store; expect success without output."""
        request = {"ServerURL": server, "Username": user, "Secret": secret}
        answer = self.run("store", json.dumps(request))
        assert (answer.status, answer.stdout, answer.stderr) == (0, b"", b""), answer

    def get(self, server: str) -> tuple[str, str]:
        """Return the user and secret of a get; expect the key repeated in it."""
        answer = self.run("get", server)
        assert answer.status == 0, answer
        assert answer.stdout.count(b"\n") == 1, answer
        fields = json.loads(answer.stdout)
        assert set(fields) == {"ServerURL", "Username", "Secret"}, answer
        assert fields["ServerURL"] == server, answer
        return fields["Username"], fields["Secret"]

    def finds_nothing(self, server: str) -> None:
        """Get; expect exit status 1 and only the standard sentence."""
        answer = self.run("get", server)
        assert answer.status == 1, answer
        assert answer.stdout.decode().strip() == NOT_FOUND, answer
        assert answer.stderr == b"", answer

    def erase(self, server: str) -> None:
        """Erase; expect success without output."""
        answer = self.run("erase", server)
        assert (answer.status, answer.stdout, answer.stderr) == (0, b"", b""), answer

    def list(self) -> dict[str, str]:
        """Return the answer of a list; expect one JSON object."""
        answer = self.run("list")
        assert answer.status == 0, answer
        listed: dict[str, str] = json.loads(answer.stdout)
        assert isinstance(listed, dict), answer
        return listed


def answers_what_was_stored(helper: Helper) -> None:
    """A get answers the user and the secret that were stored."""
    helper.store(helper.host, "user", "secret")
    assert helper.get(helper.host) == ("user", "secret")


def finds_nothing_for_a_server_never_stored(helper: Helper) -> None:
    """A get for an unknown server answers the standard sentence alone."""
    helper.finds_nothing(f"never.{helper.host}")


def replaces_the_secret_of_the_same_user(helper: Helper) -> None:
    """A second store for the same user replaces the first."""
    helper.store(helper.host, "user", "old")
    helper.store(helper.host, "user", "new")
    assert helper.get(helper.host) == ("user", "new")


def replaces_the_first_user_by_the_second(helper: Helper) -> None:
    """One credential per server: another user replaces the first, wherever it sorts."""
    for user in ("m", "a", "z"):
        helper.store(helper.host, user, f"secret of {user}")
        assert helper.get(helper.host) == (user, f"secret of {user}")
    helper.erase(helper.host)
    helper.finds_nothing(helper.host)


def erases_and_erases_again(helper: Helper) -> None:
    """An erased credential is not found; erasing it again is success."""
    helper.store(helper.host, "user", "secret")
    helper.erase(helper.host)
    helper.finds_nothing(helper.host)
    helper.erase(helper.host)


def erases_one_server_only(helper: Helper) -> None:
    """Erasing one server leaves its neighbours."""
    for name in (helper.host, f"a.{helper.host}", f"{helper.host}:5000"):
        helper.store(name, "user", name)
    helper.erase(helper.host)
    helper.finds_nothing(helper.host)
    assert helper.get(f"a.{helper.host}") == ("user", f"a.{helper.host}")
    assert helper.get(f"{helper.host}:5000") == ("user", f"{helper.host}:5000")


def lists_every_key_and_each_answers(helper: Helper) -> None:
    """A list names all that was stored, and a get answers every key it names."""
    stored = {
        helper.host: "a",
        f"https://b.{helper.host}": "b",
        f"http://c.{helper.host}:5000": "c",
        _HUB: "d",
    }
    for server, user in stored.items():
        helper.store(server, user, f"secret of {user}")
    listed = helper.list()
    assert set(stored.values()) <= set(listed.values()), listed
    for server, user in listed.items():
        assert helper.get(server)[0] == user


def finds_a_registry_by_every_form_of_its_name(helper: Helper) -> None:
    """Scheme, default port and API path make no difference."""
    for form in (
        helper.host,
        f"https://{helper.host}",
        f"{helper.host}:443",
        f"https://{helper.host}/v2/",
    ):
        helper.store(form, "user", form)
        for asked in (
            helper.host,
            f"https://{helper.host}",
            f"{helper.host}:443",
            f"https://{helper.host}:443",
            f"https://{helper.host}/v1/",
            f"https://{helper.host}/v2/",
            helper.host.upper(),
        ):
            assert helper.get(asked) == ("user", form), (form, asked)
        helper.erase(helper.host)
        helper.finds_nothing(form)


def keeps_ports_apart(helper: Helper) -> None:
    """Another port is another registry."""
    helper.store(f"{helper.host}:5000", "user", "secret")
    helper.finds_nothing(helper.host)
    helper.finds_nothing(f"{helper.host}:5001")


def keeps_schemes_apart_where_both_are_stored(helper: Helper) -> None:
    """Two entries that differ in the scheme answer for themselves."""
    helper.store(f"https://{helper.host}", "user", "by https")
    helper.store(f"http://{helper.host}", "user", "by http")
    assert helper.get(f"https://{helper.host}") == ("user", "by https")
    assert helper.get(f"http://{helper.host}") == ("user", "by http")
    helper.erase(f"http://{helper.host}")
    assert helper.get(f"https://{helper.host}") == ("user", "by https")


def keeps_the_three_keys_of_a_web_login_apart(helper: Helper) -> None:
    """Docker Hub's login, access token and refresh token are three credentials."""
    keys = (_HUB, f"{_HUB}access-token", f"{_HUB}refresh-token")
    helper.store(_HUB, "user", "login")
    helper.finds_nothing(f"{_HUB}refresh-token")
    for key in keys:
        helper.store(key, "user", key)
    for key in keys:
        assert helper.get(key) == ("user", key)
    for key in reversed(keys):
        helper.erase(key)
        helper.finds_nothing(key)


def knows_docker_hub_by_its_aliases(helper: Helper) -> None:
    """The names that clients give Docker Hub find docker's own login key."""
    helper.store(_HUB, "user", "login")
    for alias in ("docker.io", "index.docker.io", "registry-1.docker.io"):
        assert helper.get(alias) == ("user", "login")
    helper.erase("docker.io")
    helper.finds_nothing(_HUB)


def serves_a_repository_from_its_registry(helper: Helper) -> None:
    """A whole repository finds its namespace's credential, else its registry's."""
    helper.store(helper.host, "user", "registry")
    helper.store(f"{helper.host}/team", "user", "team")
    assert helper.get(f"{helper.host}/team/app") == ("user", "team")
    assert helper.get(f"{helper.host}/teams/app") == ("user", "registry")
    helper.erase(f"{helper.host}/team/app")
    assert helper.get(f"{helper.host}/team") == ("user", "team")


def keeps_any_secret_byte_for_byte(helper: Helper) -> None:
    """Quotes, newlines, blanks and every Unicode plane come back as they went."""
    for secret in (
        "'\"`$(touch /tmp/x)\\",
        "two\nlines",
        "\nnewlines around\n\n",
        "\r\n\t ",
        "  blanks  ",
        _PLANES,
        "\x01\x7f\u2028\u00e9e\u0301",
        "",
    ):
        helper.store(helper.host, "user", secret)
        assert helper.get(helper.host) == ("user", secret)


def keeps_large_secrets(helper: Helper) -> None:
    """Secrets of 64 KiB and of 1 MiB come back whole."""
    for size in (64 * 1024, 1024 * 1024):
        secret = "0123456789abcde\n" * (size // 16)
        helper.store(helper.host, "user", secret)
        assert helper.get(helper.host) == ("user", secret)


def keeps_secrets_about_the_limit_of_windows(helper: Helper) -> None:
    """Secrets of 2,560 and of 2,561 bytes, where Windows cuts, come back whole."""
    for size in (2560, 2561):
        helper.store(helper.host, "user", "\u00e9" + "x" * (size - 2))
        assert helper.get(helper.host) == ("user", "\u00e9" + "x" * (size - 2))


def keeps_any_user_name(helper: Helper) -> None:
    """A user name is data, never a path or an option."""
    for user in (
        "<token>",
        "a/b",
        "../../evil",
        "..",
        "/etc/passwd",
        ".hidden",
        "-f",
        "name with blanks",
        "user@example.com",
        "base64url:YQ==",
        _PLANES,
    ):
        helper.store(helper.host, user, f"secret of {user}")
        assert helper.get(helper.host) == (user, f"secret of {user}")
        # On macOS each listed key has a scheme.
        assert user in map(helper.list().get, (helper.host, f"https://{helper.host}"))


def shares_with(ours: Helper, theirs: Helper) -> None:
    """Two helpers of one store answer, list and erase what the other has stored."""
    host = ours.host
    ours.store(host, "user", "of ours")
    assert theirs.get(host) == ("user", "of ours")
    assert any(host in key for key in theirs.list())
    theirs.store(host, "user", "of theirs")
    assert ours.get(host) == ("user", "of theirs")
    assert any(host in key for key in ours.list())
    theirs.erase(host)
    ours.finds_nothing(host)
    ours.store(host, "user", "of ours")
    ours.erase(host)
    # docker's own helper for `pass` (0.6) answers an empty user and an empty secret.
    assert b"of ours" not in theirs.run("get", host).stdout


def tells_locked(helper: Helper, lock: Callable[[], object]) -> None:
    """A place that is locked is told as that, never as empty."""
    helper.store(helper.host, "user", "secret")
    assert helper.get(helper.host) == ("user", "secret")
    lock()
    answer = helper.run("get", helper.host)
    said = answer.stdout.decode().strip()
    assert answer.status == 1, answer
    assert said != NOT_FOUND, answer
    cause, _, remedy = said.partition("; ")
    assert cause, answer
    assert remedy, answer


BEHAVIOURS: tuple[Callable[[Helper], None], ...] = (
    answers_what_was_stored,
    finds_nothing_for_a_server_never_stored,
    replaces_the_secret_of_the_same_user,
    replaces_the_first_user_by_the_second,
    erases_and_erases_again,
    erases_one_server_only,
    lists_every_key_and_each_answers,
    finds_a_registry_by_every_form_of_its_name,
    keeps_ports_apart,
    keeps_schemes_apart_where_both_are_stored,
    keeps_the_three_keys_of_a_web_login_apart,
    knows_docker_hub_by_its_aliases,
    serves_a_repository_from_its_registry,
    keeps_any_secret_byte_for_byte,
    keeps_secrets_about_the_limit_of_windows,
    keeps_large_secrets,
    keeps_any_user_name,
)
WITH_OTHERS = (
    lists_every_key_and_each_answers,
    keeps_the_three_keys_of_a_web_login_apart,
    knows_docker_hub_by_its_aliases,
)
"""Behaviours with names that a user's own logins may have: only for an empty store."""


def main() -> None:
    """Print the result of each behaviour; exit 1 if one fails."""
    if len(sys.argv) != 2:  # noqa: PLR2004 - the program and its one argument
        raise SystemExit("Usage: python -m dockcred.testing.store_contract PROGRAM")
    helper, failed = Helper(sys.argv[1]), 0
    if kept := helper.list():
        raise SystemExit(
            f"the store keeps {len(kept)} credentials: run on an empty one"
        )
    for behaviour in BEHAVIOURS:
        try:
            behaviour(helper)
            verdict = "ok  "
        except (AssertionError, ValueError, KeyError) as error:
            verdict, failed = f"FAIL {str(error)[:200]}\n    ", failed + 1
        sys.stdout.write(f"{verdict} {behaviour.__doc__}\n")
        for server in helper.list():
            helper.run("erase", server)
    raise SystemExit(bool(failed))


if __name__ == "__main__":
    main()
