"""The contract of a provider: behaviours that each provider must have.

Parametrise a test with BEHAVIOURS. Each behaviour is a function of a Subject:

    @pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.__name__)
    def test_the_contract(behaviour):
        behaviour(Subject(lambda: Mine(), ("registry.example.com",), nobody, somebody))
"""

# ruff: noqa: D401 - a behaviour is a statement, not an order
from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from dockcred.credential import ServerURL
from dockcred.errors import CredentialsNotFoundError, MissingIdentityError
from dockcred.identity.cache.files import Cache
from dockcred.identity.store import IdentityStore
from dockcred.system.environment import Environment, meanings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from dockcred.identity.provider import Provider

_FORMS = ("{}", "https://{}", "HTTPS://{}/v2/", "{}:443", "{}:8443", "{}/a/b", "{}.")
_OUTWARD = ("socket.", "subprocess.", "os.posix_spawn", "os.exec", "os.system")
_NOBODY_S = 2.0


@dataclass(frozen=True)
class Subject:
    """A provider, hosts that it serves, and two environments for the tests.

    In `nobody` no identity is configured, and the metadata services are off. In
    `somebody` an identity is configured, and the cloud of the hosts accepts it.
    """

    load: Callable[[], Provider]
    hosts: tuple[str, ...]
    nobody: Environment
    somebody: Environment


def serves_its_hosts_in_every_form(subject: Subject) -> None:
    """A host is served with scheme, port, path, capitals or a final dot."""
    for host in subject.hosts:
        for form in _FORMS:
            for written in (form.format(host), form.format(host.upper())):
                assert subject.load().matches(ServerURL.parse(written)), written


def leaves_plain_http_alone(subject: Subject) -> None:
    """No password is given for a registry that is reached by plain http."""
    for host in subject.hosts:
        assert not subject.load().matches(ServerURL.parse(f"http://{host}"))


def leaves_look_alikes_alone(subject: Subject) -> None:
    """A host that only begins, ends or looks like a served one is not served."""
    for host in subject.hosts:
        for other in look_alikes(host):
            assert not subject.load().matches(ServerURL.parse(other)), other


def asks_nobody_to_match_and_to_choose(subject: Subject) -> None:
    """Matching a host and choosing an identity start no program and send nothing."""
    provider, server = subject.load(), ServerURL.parse(subject.hosts[0])
    with _outward() as events:
        provider.matches(server)
        provider.serves_anonymous(server)
        provider.config_files(subject.somebody)
        provider.identity(server, subject.somebody)
        own = provider.own_servers(subject.somebody)
    assert not events, events
    for name in own:
        assert provider.matches(ServerURL.parse(name)), name


def touches_no_identity_for_a_look_alike(subject: Subject) -> None:
    """For a host that is not served, no variable is read and no request is sent."""
    store = IdentityStore(subject.load(), Cache(""), _Untouchable({}))
    for other in look_alikes(subject.hosts[0]):
        with _outward() as events:
            try:
                store.get(ServerURL.parse(other))
            except CredentialsNotFoundError:
                assert not events, events
            else:
                raise AssertionError(f"answered: {other}")


def knows_soon_that_there_is_no_identity(subject: Subject) -> None:
    """Without an identity the provider says so within two seconds."""
    start = time.monotonic()
    store = IdentityStore(subject.load(), Cache(""), subject.nobody)
    try:
        store.get(ServerURL.parse(subject.hosts[0]))
    except (MissingIdentityError, CredentialsNotFoundError):
        assert time.monotonic() - start < _NOBODY_S
    else:
        raise AssertionError("it answered for nobody")


def mints_what_does_not_show_itself(subject: Subject) -> None:
    """A new credential has a user and a secret, is valid, and hides the secret."""
    server = ServerURL.parse(subject.hosts[0])
    minted = subject.load().identity(server, subject.somebody).issue()
    assert minted.username
    assert minted.secret
    assert minted.secret not in repr(minted)
    assert minted.issued_at <= time.time() + 1
    assert minted.expires_at is None or minted.expires_at > time.time()


def keeps_only_what_has_a_row(subject: Subject) -> None:
    """An identity is cached if, and only if, each of its sources has a row."""
    server = ServerURL.parse(subject.hosts[0])
    provider = subject.load()
    identity = provider.identity(server, subject.somebody)
    assert identity.sources
    rows = {row.name for row in provider.sources}
    assert len(rows) == len(provider.sources), "two rows of one name"
    assert provider.is_cacheable(identity) == rows.issuperset(identity.sources)
    owners = {name.partition(":")[0] for name in identity.sources}
    for owner in owners:
        assert owner in {row.partition(":")[0] for row in rows}, (
            f"no row of {provider.name}'s sources begins with {owner}:"
        )


def names_its_variables_once(subject: Subject) -> None:
    """A variable is compared by value or only as set; no secret goes to a child."""
    provider = subject.load()
    assert not set(provider.variables) & set(provider.secrets)
    assert set(provider.secrets) <= meanings.SECRETS
    ours = {name for name in provider.variables if name.startswith("DOCKCRED_")}
    assert ours <= set(meanings.ALL), "say in its MEANINGS what it means"
    assert set(provider.tags) <= set(provider.variables)


BEHAVIOURS: tuple[Callable[[Subject], None], ...] = (
    serves_its_hosts_in_every_form,
    leaves_plain_http_alone,
    leaves_look_alikes_alone,
    asks_nobody_to_match_and_to_choose,
    touches_no_identity_for_a_look_alike,
    knows_soon_that_there_is_no_identity,
    mints_what_does_not_show_itself,
    keeps_only_what_has_a_row,
    names_its_variables_once,
)


def look_alikes(host: str) -> Iterator[str]:
    """Yield hosts that a careless comparison takes for this one."""
    yield f"{host}.example.com"
    yield f"{host}x"
    yield f"{host}-x.example.com"
    yield f"example.com/{host}"
    yield f"{host}.{host}.example.com"
    for place, character in enumerate(host):
        if character == ".":
            yield f"{host[:place]}x{host[place + 1 :]}"
    yield host.rpartition(".")[0] + ".invalid"


class _Untouchable(Environment):
    """Variables that fail the test when one of them is read."""

    def get(self, name: str, default: str = "") -> str:
        """Fail: no variable may be read for a host that is not served."""
        raise AssertionError(f"{name} was read for another's host ({default!r})")


_seen: list[str] | None = None


def _hook(event: str, _arguments: object) -> None:
    if _seen is not None and event.startswith(_OUTWARD):
        _seen.append(event)


@contextmanager
def _outward() -> Iterator[list[str]]:
    """Collect the events that leave the process, such as sockets and programs.

    An audit hook cannot be removed, so it stays and collects nothing outside the block.
    """
    global _seen  # noqa: PLW0603 - one hook for the process
    if not getattr(_outward, "hooked", False):
        sys.addaudithook(_hook)
        _outward.hooked = True  # type: ignore[attr-defined]
    events: list[str] = []
    _seen = events
    try:
        yield events
    finally:
        _seen = None
