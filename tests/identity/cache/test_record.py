"""What an identity reads is recorded while it reads: no list of names is needed."""

from __future__ import annotations

import os
import time
from functools import partial

import pytest

from dockcred.credential import Credential, ServerURL
from dockcred.identity import cache as watched
from dockcred.identity.cache import record, ticket
from dockcred.identity.cache.files import Cache
from dockcred.identity.cache.record import Record
from dockcred.identity.provider import Identity, Provider, Source
from dockcred.identity.store import IdentityStore
from dockcred.system import environment as process
from dockcred.system import process as launched
from dockcred.system.environment import Environment, sdks

HOST = ServerURL.parse("registry.example")
STEADY = "aws:env-keys"
"""A source without a lease: only its conditions tell whether an entry is valid."""


class Forgetful(Provider):
    """A provider that reads variables and files which its lists do not name."""

    name = "forgetful"
    program = "docker-credential-forgetful"
    sources = (Source(STEADY),)
    variables = ("LISTED",)
    secrets = ("HIDDEN",)

    def __init__(self, read) -> None:
        """Keep the function that the identity calls when it is asked."""
        self.read = read
        self.minted = 0

    def matches(self, server: ServerURL) -> bool:
        return server.host == HOST.host

    def identity(self, server: ServerURL, environment: Environment):
        del server
        return Reading(self, environment)


class Reading(Identity):
    """An identity that calls the provider's function, and names no file."""

    sources = (STEADY,)

    def __init__(self, provider: Forgetful, environment: Environment) -> None:
        self._provider = provider
        self._environment = environment

    def issue(self) -> Credential:
        self._provider.read(self._environment)
        self._provider.minted += 1
        now = time.time()
        return Credential("u", f"secret {self._provider.minted}", now, now + 3600)


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "cache"
    path.mkdir(mode=0o700)
    return path


def ask(place, provider: Forgetful, **variables: str) -> str:
    store = IdentityStore(provider, Cache(str(place)), Environment(variables))
    return store.get(HOST).secret


VARIABLE_READERS = {
    "our own": lambda environment: environment.get("FORGOTTEN"),
    "first of several": lambda environment: environment.first("A", "FORGOTTEN"),
    "a path": lambda environment: environment.path("FORGOTTEN", ".x"),
    "as it is": lambda environment: environment.raw("FORGOTTEN"),
    "a family": lambda environment: environment.beginning("FORGO"),
    "an overlay": lambda environment: environment.with_values({"A": "1"}).get(
        "FORGOTTEN"
    ),
}


@pytest.mark.parametrize("read", VARIABLE_READERS.values(), ids=VARIABLE_READERS)
@pytest.mark.parametrize(("was", "then"), [("", "x"), ("x", ""), ("x", "y")])
def test_a_variable_that_no_list_names_is_a_condition(place, read, was, then) -> None:
    provider = Forgetful(read)
    first = ask(place, provider, FORGOTTEN=was)
    assert ask(place, provider, FORGOTTEN=was) == first
    assert ask(place, provider, FORGOTTEN=then) != first
    assert ask(place, provider, FORGOTTEN=then, NEVER_ASKED="x") == "secret 2"


SDK_READERS = {
    "environ": lambda: os.environ.get("FORGOTTEN"),
    "getenv": lambda: os.getenv("FORGOTTEN"),
    "in": lambda: "FORGOTTEN" in os.environ,
    "a name bound before": partial(os.environ.get, "FORGOTTEN"),
}


@pytest.fixture
def own_variables():
    """Restore the variables of the test's process."""
    kind, before = type(os.environ), dict(os.environ)
    yield
    os.environ.__class__ = kind
    os.environ.clear()
    os.environ.update(before)


@pytest.mark.usefixtures("own_variables")
@pytest.mark.parametrize("read", SDK_READERS.values(), ids=SDK_READERS)
def test_what_an_sdk_asks_for_is_a_condition(place, read) -> None:
    def as_sdk(environment: Environment) -> None:
        process.become(environment)
        read()

    provider = Forgetful(as_sdk)
    first = ask(place, provider)
    assert ask(place, provider) == first
    assert ask(place, provider, FORGOTTEN="x") != first


@pytest.mark.usefixtures("own_variables")
def test_who_takes_all_variables_for_a_child_asks_for_none() -> None:
    """A child's variables are chosen elsewhere, and differ between terminals."""
    environment = Environment({"A": "1", "B": "2"})
    process.become(environment)
    assert os.environ.copy() == {"A": "1", "B": "2"}
    assert dict(os.environ.items()) == {"A": "1", "B": "2"}
    assert list(os.environ) == ["A", "B"]
    assert environment.asked == set()
    assert os.environ["A"] == "1"
    assert environment.asked == {"A"}


def test_a_value_that_may_be_a_secret_is_not_written_down(place) -> None:
    provider = Forgetful(VARIABLE_READERS["our own"])
    ask(place, provider, FORGOTTEN="hunter2", HIDDEN="hunter2")
    assert all("hunter2" not in path.read_text() for path in place.iterdir())


def test_what_the_key_holds_is_not_held_twice(place) -> None:
    def read(environment: Environment) -> None:
        environment.first("HIDDEN", "LISTED")

    provider = Forgetful(read)
    ask(place, provider, LISTED="x")
    (entry,) = place.glob("forgetful,*[0-9a-f]")
    assert Cache(str(place)).read(entry.name).conditions == ()


def _tried(path) -> None:
    try:
        path.read_text()
    except OSError:
        return


FILE_READERS = {
    "open": lambda path: path.exists() and path.read_text(),
    "os.open": lambda path: (
        os.close(os.open(path, os.O_RDONLY)) if path.exists() else None
    ),
    "bytes": lambda path: (
        open(os.fsencode(path), "rb").close() if path.exists() else None
    ),
    "tried": _tried,
}


@pytest.mark.parametrize("reader", FILE_READERS)
def test_a_file_that_no_list_names_is_a_condition(place, tmp_path, reader) -> None:
    path = tmp_path / "forgotten"
    path.write_text("one")
    provider = Forgetful(lambda _: FILE_READERS[reader](path))
    first = ask(place, provider)
    assert ask(place, provider) == first
    path.write_text("two")
    second = ask(place, provider)
    assert second != first
    path.unlink()
    assert ask(place, provider) != second


def test_a_file_that_was_not_there_is_a_condition(place, tmp_path) -> None:
    path = tmp_path / "forgotten"
    provider = Forgetful(lambda _: _tried(path))
    first = ask(place, provider)
    assert ask(place, provider) == first
    path.write_text("one")
    assert ask(place, provider) != first


def test_a_file_that_changes_while_it_is_read_is_not_kept(place, tmp_path) -> None:
    path = tmp_path / "forgotten"
    path.write_text("one")

    def read(_: Environment) -> None:
        text = path.read_text()
        path.write_text(f"{text}, two")

    provider = Forgetful(read)
    assert ask(place, provider) != ask(place, provider)


def test_a_file_of_one_s_own_is_no_condition(place, tmp_path) -> None:
    """The identity itself wrote the file, and then read and removed it."""
    path = tmp_path / "scratch"

    def read(_: Environment) -> None:
        path.write_text("x")
        path.read_text()
        path.unlink()

    provider = Forgetful(read)
    assert ask(place, provider) == ask(place, provider)


def test_code_and_what_the_kernel_says_are_no_condition(place) -> None:
    def read(_: Environment) -> None:
        for path in (record.__file__, pytest.__file__, "/proc/stat", os.devnull):
            open(path, "rb").close()

    environment = Environment({})
    noted = Record(environment, (str(place),))
    read(environment)
    noted.close()
    assert noted.looks == {}


def test_nothing_is_noted_after_the_end(tmp_path) -> None:
    environment = Environment({})
    noted = Record(environment, ())
    noted.environment.get("A")
    noted.close()
    _tried(tmp_path / "later")
    assert noted.looks == {}
    assert environment.asked == {"A"}


def tickets(place, provider, monkeypatch, **variables: str) -> list[str]:
    """Run a get as a launcher does; return the texts of the tickets it wrote."""
    monkeypatch.setattr(launched, "short", "forgetful")
    environment = Environment(variables)
    cache = Cache(str(place))

    def open_tickets() -> ticket.Tickets:
        return ticket.Tickets(cache, provider, HOST.place, environment, {}, ())

    store = IdentityStore(provider, cache, environment, open_tickets=open_tickets)
    store.get(HOST)
    return [path.read_text() for path in place.glob("front,*,")]


def test_what_no_launcher_can_compare_leaves_no_ticket(place, monkeypatch) -> None:
    provider = Forgetful(VARIABLE_READERS["our own"])
    assert tickets(place, provider, monkeypatch) == []


def test_what_was_asked_for_on_the_way_counts_too(place, monkeypatch) -> None:
    """For example variables that choose config.toml, read before the identity is."""
    monkeypatch.setattr(launched, "short", "forgetful")
    environment = Environment({})
    environment.get("FORGOTTEN")
    provider, cache = Forgetful(lambda _: None), Cache(str(place))

    def open_tickets() -> ticket.Tickets:
        return ticket.Tickets(cache, provider, HOST.place, environment, {}, ())

    IdentityStore(provider, cache, environment, open_tickets=open_tickets).get(HOST)
    assert not list(place.glob("front,*"))


@pytest.mark.parametrize("name", ["PATH", "AWS_BEARER_TOKEN_ECR"])
def test_what_a_launcher_can_compare_is_in_the_ticket(place, monkeypatch, name) -> None:
    provider = Forgetful(lambda environment: environment.get(name))
    (text,) = tickets(place, provider, monkeypatch, PATH="/bin")
    number = sdks.PROGRAMS.index("PATH")
    written = f"by {number}=/bin|." if name == "PATH" else "with "
    assert f"\n{written}\n" in text


def test_a_ticket_of_listed_variables_is_no_longer_than_it_was(
    place, monkeypatch
) -> None:
    provider = Forgetful(lambda environment: environment.get("LISTED"))
    (text,) = tickets(place, provider, monkeypatch, PATH="/bin", LISTED="x")
    assert "\nwith " not in text
    assert "\nby " not in text


def test_a_secret_that_is_set_leaves_no_ticket(place, monkeypatch) -> None:
    name = sdks.SECRETS[0]
    provider = Forgetful(lambda environment: environment.get(name))
    assert tickets(place, provider, monkeypatch, **{name: "x"}) == []


def test_conditions_are_lines(place) -> None:
    """Tabs and line ends in a name or a value do not break a condition's line."""
    environment = Environment({"A": "x\ty\nz", "B C": "1", "PATH": "a\nb"})
    for name in ("A", "B C", "PATH", "NOT SET", "*"):
        environment.get(name)
    for condition in record.variables(environment, environment.asked):
        assert "\n" not in condition
        assert condition.count("\t") == 2
        assert watched.is_valid(condition, environment)
        assert not watched.is_valid(condition, Environment({"NOT": "x", "B C": "2"}))
    del place
