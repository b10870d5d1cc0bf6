"""A bad issuer delays only its own tokens, once; a forged token delays no request.

The tests count answers, and requests to an issuer: times in milliseconds say nothing on
a busy machine. The limits in seconds only tell one wait from twenty.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from base64 import urlsafe_b64encode
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from support import dead_issuer
from support.dead_issuer import MANNERS, BadIssuer
from support.oidc_issuer import AUDIENCE, Issuer
from support.program import BUSY_S
from support.token_service import SERVICE, Service, basic

from .conftest import Start

pytestmark = pytest.mark.slow  # not one test, but all of them together are slow
APP = "repository:team/app:pull"
CONFIG = """
service = "registry.example.com"
keys = "{keys}"

[issuers.bad]
url = "{bad}"
audience = "{audience}"

[issuers.good]
url = "{good}"
audience = "{audience}"

[[rules]]
issuer = "good"
claims = {{ repository_id = "17" }}
repositories = ["team/app"]
actions = ["pull"]
"""
Serve = Callable[[str], tuple[Service, BadIssuer]]


@pytest.fixture
def serve(start: Start, issuer: Issuer, tmp_path: Path) -> Iterator[Serve]:
    """Return a function that starts a service with a good and a misbehaving issuer."""
    with ExitStack() as stack:

        def served(manner: str) -> tuple[Service, BadIssuer]:
            bad = stack.enter_context(dead_issuer.serving(manner))
            config = tmp_path / "config.toml"
            config.write_text(
                CONFIG.format(
                    keys=tmp_path / "keys",
                    bad=bad.url,
                    good=issuer.url,
                    audience=AUDIENCE,
                )
            )
            service = start("--config", str(config))
            assert service.get(APP, token=issuer.token()).status == 200
            return service, bad

        yield served


async def ask(port: int, token: str) -> tuple[int, float]:
    """Send one request; return the status and the time in seconds."""
    started = time.monotonic()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(
            f"GET /token?service={SERVICE}&scope={APP} HTTP/1.1\r\nHost: x\r\n"
            f"Authorization: {basic('JWT', token)}\r\nConnection: close\r\n\r\n".encode()
        )
        answer = await reader.read()
        return int(answer.split(b" ", 2)[1]), time.monotonic() - started
    finally:
        writer.close()


def crowd(port: int, *tokens: str) -> list[tuple[int, float]]:
    async def all_of_them() -> list[tuple[int, float]]:
        return await asyncio.gather(*(ask(port, token) for token in tokens))

    return asyncio.run(all_of_them())


def forged(token: str, signature: bytes = b"", **header: object) -> str:
    """Return a token's claims with another signature, and another header if given."""
    head, claims, _ = token.split(".")
    if header:
        head = urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{head}.{claims}.{urlsafe_b64encode(signature).rstrip(b'=').decode()}"


def test_tokens_of_a_silent_issuer_wait_together(serve: Serve, issuer: Issuer):
    """Twenty tokens of this issuer wait together; another issuer's does not wait."""
    service, bad = serve("silent")
    own = [issuer.token(iss=bad.url) for _ in range(20)]
    *waited, (status, _) = crowd(service.port, *own, issuer.token())
    assert status == 200
    assert {status for status, _ in waited} == {503}
    assert bad.asked == 1
    # The service now knows that the issuer is silent. The next ones do not wait, or
    # only for a short second try.
    assert {status for status, _ in crowd(service.port, *own)} == {503}
    assert bad.asked <= 2


@pytest.mark.parametrize("manner", MANNERS)
def test_a_bad_issuer_delays_nobody_else(serve: Serve, issuer: Issuer, manner: str):
    service, bad = serve(manner)
    own, good = issuer.token(iss=bad.url), issuer.token()

    async def together() -> tuple[list[tuple[int, float]], list[tuple[int, float]]]:
        first = [asyncio.create_task(ask(service.port, own)) for _ in range(50)]
        others = [await ask(service.port, good) for _ in range(50)]
        return await asyncio.gather(*first), others

    waited, others = asyncio.run(together())
    assert {status for status, _ in others} == {200}
    assert {status for status, _ in waited} == {503}
    # One wait takes five seconds; fifty, one after the other, would take 250.
    assert max(seconds for _, seconds in waited) < BUSY_S
    assert service.is_alive()


FORGED = {
    "unsigned": forged,
    "short signature": lambda good: forged(good, b"x" * 255),
    "long signature": lambda good: forged(good, b"x" * 2000),
    "ES256, as RS256 is long": lambda good: forged(
        good, b"x" * 256, alg="ES256", kid="x"
    ),
    "giant key id": lambda good: forged(good, b"x" * 256, alg="RS256", kid="x" * 600),
}


@pytest.mark.parametrize("what", FORGED)
def test_who_cannot_be_believed_waits_for_nobody(
    serve: Serve, issuer: Issuer, what: str
):
    service, bad = serve("silent")
    token = FORGED[what](issuer.token(iss=bad.url))
    assert {status for status, _ in crowd(service.port, *[token] * 20)} == {401}


CLAIMS = {
    "another audience": {"aud": "other"},
    "expired": {"exp": 1_000_000},
    "no end": {"exp": None},
    "no subject": {"sub": None},
    "not yet": {"nbf": 9_999_999_999, "exp": 10_000_000_000},
}


@pytest.mark.parametrize("what", CLAIMS)
def test_a_claim_that_is_refused_anyway_waits_for_nobody(
    serve: Serve, issuer: Issuer, what: str
):
    service, bad = serve("silent")
    token = issuer.token(iss=bad.url, **CLAIMS[what])
    assert service.get(APP, token=token).status == 401


def test_nine_hundred_that_wait_keep_nobody_out(serve: Serve, issuer: Issuer):
    """900 tokens of a silent issuer wait; then 600 good ones are answered."""
    service, bad = serve("silent")
    own, good = issuer.token(iss=bad.url), issuer.token()

    async def together() -> tuple[Counter[int], Counter[int]]:
        first = [asyncio.create_task(ask(service.port, own)) for _ in range(900)]
        await asyncio.sleep(1)
        others: Counter[int] = Counter()
        for _ in range(30):
            answers = await asyncio.gather(
                *(ask(service.port, good) for _ in range(20))
            )
            others += Counter(status for status, _ in answers)
        return Counter(status for status, _ in await asyncio.gather(*first)), others

    waited, others = asyncio.run(together())
    assert others == {200: 600}
    assert waited == {503: 900}


def test_the_others_notice_no_attack():
    """Run bench/token_service_attacked.py: short, or long with DOCKCRED_NIGHT=1.

    The short run counts answers, not milliseconds: during both attacks each request of
    the other clients gets a token.
    """
    night = os.environ.get("DOCKCRED_NIGHT") == "1"
    short = ("--requests", "400", "--rounds", "1", "--count")
    command = [sys.executable, "-m", "bench.token_service_attacked"]
    done = subprocess.run(
        [*command, *(() if night else short)],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        timeout=3600 if night else 600,
        check=False,
    )
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "each answered" in done.stdout
