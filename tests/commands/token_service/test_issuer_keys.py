"""An issuer's keys: fetched when needed, kept, and strangers force few fetches."""

from __future__ import annotations

import asyncio
import json
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from support import oidc_issuer
from support.oidc_issuer import AUDIENCE, public_jwk
from support.program import BUSY_S, LONG_S
from support.token_service import Service

from dockcred.commands.token_service import issuer_keys
from dockcred.commands.token_service.issuer_documents import PublishedKey, fetch_keys
from dockcred.commands.token_service.issuer_keys import IssuerKeys
from dockcred.commands.token_service.request import Refusal
from dockcred.commands.token_service.settings import Issuer
from dockcred.errors import DockcredError, TransportError

ISSUER = Issuer("x", "https://issuer.example.com", AUDIENCE)
KEY = PublishedKey(ec.generate_private_key(ec.SECP256R1()).public_key(), "")


class World:
    """A clock that the test sets, and an issuer whose keys the test chooses."""

    def __init__(self) -> None:
        self.now = 0.0
        self.published: list[str] | None = ["a"]
        self.asked = 0
        self.keys = IssuerKeys(ISSUER, self.fetch, lambda: self.now)

    async def fetch(self, issuer: Issuer) -> dict[str, PublishedKey]:
        self.asked += 1
        await asyncio.sleep(0)
        if self.published is None:
            raise TransportError("it is away", "wait")
        return dict.fromkeys(self.published, KEY)

    def find(self, key_id: str | None) -> int:
        """Look for a key; return 200, or the status of the refusal."""
        return asyncio.run(self._find(key_id))

    async def _find(self, key_id: str | None) -> int:
        try:
            await self.keys.find(key_id)
        except Refusal as refusal:
            return refusal.status
        finally:
            await asyncio.sleep(0.01)  # lets a fetch in the background end
        return 200

    async def crowd(self, key_id: str, many: int) -> set[int]:
        async def one() -> int:
            try:
                await self.keys.find(key_id)
            except Refusal as refusal:
                return refusal.status
            return 200

        return set(await asyncio.gather(*(one() for _ in range(many))))


@pytest.fixture
def world() -> World:
    return World()


def test_keys_are_fetched_once_for_many(world: World):
    assert asyncio.run(world.crowd("a", 100)) == {200}
    assert world.asked == 1


def test_a_new_key_is_found_at_once(world: World):
    world.find("a")
    world.published = ["a", "b"]
    assert (world.find("b"), world.asked) == (200, 2)


def test_unknown_keys_ask_once_a_minute(world: World):
    world.find("a")
    assert asyncio.run(world.crowd("unknown", 100)) == {401}
    assert world.asked == 2
    world.now = 59.9
    assert (world.find("unknown"), world.asked) == (401, 2)
    world.now = 60.1
    assert (world.find("unknown"), world.asked) == (401, 3)


def test_a_withdrawn_key_ends_when_the_keys_are_old(world: World):
    world.find("a")
    world.published = ["b"]
    world.now = issuer_keys.FRESH_S - 1
    assert world.find("a") == 200
    world.now = issuer_keys.FRESH_S + 1
    assert world.find("a") == 401


def test_an_issuer_that_is_away_is_waited_for_an_hour(world: World):
    world.find("a")
    world.published = None
    world.now = issuer_keys.KEEP_S - 1
    assert world.find("a") == 200
    world.now = issuer_keys.KEEP_S + 1
    assert world.find("a") == 503
    world.published = ["a"]
    world.now += issuer_keys.PAUSE_S
    assert world.find("a") == 200


def test_an_issuer_that_was_never_there_is_asked_every_five_seconds(world: World):
    world.published = None
    assert asyncio.run(world.crowd("a", 100)) == {503}
    assert world.asked == 1
    world.now = 4.9
    assert (world.find("a"), world.asked) == (503, 1)
    world.published = ["a"]
    world.now = 5.1
    assert (world.find("a"), world.asked) == (200, 2)


def test_a_token_without_a_key_id_is_for_the_only_key(world: World):
    assert world.find(None) == 200
    world.published = ["a", "b"]
    world.find("b")
    assert world.find(None) == 401


class SlowWorld(World):
    """A world whose issuer answers only when the test sets `answers`."""

    async def fetch(self, issuer: Issuer) -> dict[str, PublishedKey]:
        self.answers = asyncio.Event()
        found = await super().fetch(issuer)
        await self.answers.wait()
        return found


def test_a_known_key_serves_while_a_slow_issuer_is_asked_again():
    """No request waits, and at most one fetch runs at a time."""
    world = SlowWorld()

    async def story() -> None:
        first = asyncio.create_task(world.keys.find("a"))
        await asyncio.sleep(0.01)
        world.answers.set()
        await first
        world.now = issuer_keys.REFRESH_S + 1
        # The timeout is for all of them. If each waited, it would wait a second.
        async with asyncio.timeout(BUSY_S):
            for _ in range(1000):
                await world.keys.find("a")
        await asyncio.sleep(0.01)
        assert world.asked == 2
        world.answers.set()

    asyncio.run(story())


def test_a_flapping_issuer_is_asked_once_a_minute_and_its_keys_serve(world: World):
    world.find("a")
    answers = Counter()
    for minute in range(30):
        world.published = None if minute % 2 else ["a"]
        for second in range(0, 60, 6):
            world.now = 400 + minute * 60 + second
            answers[world.find("a")] += 1
    assert answers == {200: 300}
    assert world.asked <= 32


def test_a_dead_issuer_is_waited_for_once_and_then_remembered(monkeypatch):
    """The limits are made short: the test counts which requests wait."""
    monkeypatch.setattr(issuer_keys, "WAIT_S", 1.0)
    monkeypatch.setattr(issuer_keys, "MAX_WAITING", 10)
    world = SlowWorld()

    async def one() -> int:
        try:
            await world.keys.find("a")
        except Refusal as refusal:
            return refusal.status if refusal.retry_after_s else 0
        return 200

    async def story() -> None:
        many = [asyncio.create_task(one()) for _ in range(30)]
        for _ in range(100):
            await asyncio.sleep(0)
        assert [task.done() for task in many].count(True) == 20
        assert {await task for task in many} == {503}
        # The fetch goes on, but no request waits for it any more.
        monkeypatch.setattr(issuer_keys, "WAIT_S", LONG_S)
        world.now = issuer_keys.WAIT_S + 1
        assert await asyncio.wait_for(one(), BUSY_S) == 503
        assert world.asked == 1
        world.answers.set()

    asyncio.run(story())


def test_old_keys_after_a_pause_are_looked_at_first(world: World):
    """After ten minutes without a request a withdrawn key must not be accepted."""
    world.find("a")
    world.published = ["b"]
    world.now = issuer_keys.FRESH_S + 1
    assert world.find("a") == 401


def test_a_failure_of_ours_in_one_issuer_is_no_crash(world: World):
    async def broken(issuer: Issuer) -> dict[str, PublishedKey]:
        raise ZeroDivisionError

    world.keys = IssuerKeys(ISSUER, broken, lambda: world.now)
    assert [world.find("a") for _ in range(2)] == [503, 503]


@pytest.fixture
def other() -> Iterator[oidc_issuer.Issuer]:
    with oidc_issuer.serving() as other:
        yield other


def fetch(issuer: oidc_issuer.Issuer) -> dict[str, PublishedKey]:
    return asyncio.run(fetch_keys(Issuer("x", issuer.url, AUDIENCE)))


def test_an_issuers_keys_are_read(other: oidc_issuer.Issuer):
    assert set(fetch(other)) == {"first"}


DISCOVERY = "/.well-known/openid-configuration"
DOCUMENTS = {
    "another issuer's": lambda at: {
        DISCOVERY: {"issuer": f"{at}/", "jwks_uri": f"{at}/keys"}
    },
    "no issuer": lambda at: {DISCOVERY: {"jwks_uri": f"{at}/keys"}},
    "no keys": lambda at: {DISCOVERY: {"issuer": at}},
    "a list": lambda at: {DISCOVERY: []},
    "no list of keys": lambda at: {"/keys": {"keys": {}}},
    "no key": lambda at: {"/keys": {"keys": []}},
    "too many": lambda at: {"/keys": {"keys": [{}] * 101}},
    "too long": lambda at: {"/keys": {"keys": [], "x": "y" * 2_000_000}},
}


@pytest.mark.parametrize("what", DOCUMENTS)
def test_an_issuer_that_publishes_nonsense_has_no_keys(
    other: oidc_issuer.Issuer, what: str
):
    other.documents = DOCUMENTS[what](other.url)
    with pytest.raises(DockcredError):
        fetch(other)


PLACES = {
    "a file": "file:///etc/passwd",
    "the metadata service": "http://169.254.169.254/keys",
    "in the clear": "http://10.0.0.1/keys",
    "with a user": "https://me@issuer.example.com/keys",
    "another scheme": "gopher://127.0.0.1/keys",
    "no URL": "keys",
    "no text": 5,
}


@pytest.mark.parametrize("what", PLACES)
def test_keys_are_fetched_from_no_such_place(other: oidc_issuer.Issuer, what: str):
    other.documents = {DISCOVERY: {"issuer": other.url, "jwks_uri": PLACES[what]}}
    with pytest.raises(DockcredError, match="not at an https URL"):
        fetch(other)


def test_a_redirect_is_not_followed(other: oidc_issuer.Issuer):
    with oidc_issuer.serving() as elsewhere:
        other.redirect = f"{elsewhere.url}/keys"
        with pytest.raises(DockcredError, match="302"):
            fetch(other)
        assert not elsewhere.asked


def test_keys_that_are_not_for_us_are_left_out(other: oidc_issuer.Issuer):
    """Symmetric keys, short ones, private ones, those for encryption, and nonsense."""
    good = public_jwk(other.key, "good")
    private = good | {"kid": "private", "d": "AQAB"}
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)
    other.documents["/keys"] = {
        "keys": [
            *(None, 5, {}, {"kty": "RSA"}, {"kty": "OKP", "crv": "X25519"}),
            {"kty": "oct", "k": "c2VjcmV0", "kid": "secret", "alg": "HS256"},
            good | {"kid": "encrypts", "use": "enc"},
            good | {"kid": "signs nothing", "alg": "none"},
            public_jwk(short, "short"),
            private,
            good,
        ]
    }
    assert set(fetch(other)) == {"good"}


def test_a_giant_key_is_none(other: oidc_issuer.Issuer):
    """To check a signature with it would take long, and delay all other requests."""
    good = public_jwk(other.key, "good")
    giant = urlsafe_b64encode((2**16383 + 1).to_bytes(2048, "big")).rstrip(b"=")
    other.documents["/keys"] = {
        "keys": [good | {"kid": "giant", "n": giant.decode()}, good]
    }
    assert set(fetch(other)) == {"good"}


def in_file(file: Path) -> dict[str, PublishedKey]:
    issuer = Issuer("x", "https://cluster.invalid", AUDIENCE, keys_file=str(file))
    return asyncio.run(fetch_keys(issuer))


def test_keys_in_a_file_are_read_and_nobody_is_asked(
    other: oidc_issuer.Issuer, tmp_path: Path
):
    file = tmp_path / "keys.json"
    file.write_text(json.dumps({"keys": [public_jwk(other.key, "in a file")]}))
    assert set(in_file(file)) == {"in a file"}
    file.chmod(0o666)
    with pytest.raises(DockcredError, match="others can write"):
        in_file(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", "\0", '{"keys": [{}]}', None])
def test_a_file_without_keys_is_told(tmp_path: Path, text: str | None):
    file = tmp_path / "keys.json"
    if text is not None:
        file.write_text(text)
    with pytest.raises(DockcredError):
        in_file(file)


def test_a_running_service_follows_one_rotation_a_minute(
    helper_bin, other: oidc_issuer.Issuer, start, tmp_path
):
    service: Service = start(
        *("--issuer", other.url, "--audience", AUDIENCE),
        *("--allow", "team/app:pull repository_id=17"),
        *("--keys", str(tmp_path / "keys")),
    )
    old = other.token()
    assert service.get(token=old).status == 200
    other.rotate()
    assert service.get(token=other.token()).status == 200
    assert service.get(token=old).status == 401
    other.rotate()
    assert service.get(token=other.token()).status == 401
    assert other.asked["/keys"] == 2


def test_an_issuer_that_is_not_there_is_no_crash(start, tmp_path):
    with oidc_issuer.serving() as gone:
        token, url = gone.token(), gone.url
    service: Service = start(
        *("--issuer", url, "--audience", AUDIENCE, "--keys", str(tmp_path / "keys")),
        *("--allow", "team/app:pull repository_id=17"),
    )
    reply = service.get(token=token)
    assert (reply.status, reply.headers["retry-after"]) == (503, "5")
    assert service.said(event="issuer-keys-failed")["issuer"] == "issuer"
    assert service.is_alive()
