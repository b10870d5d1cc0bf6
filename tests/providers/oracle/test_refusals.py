"""The sandbox refuses what Oracle refuses, and the program says why."""

from __future__ import annotations

import email.utils
import time
from types import SimpleNamespace

import pytest

from dockcred.providers.oracle import api, signature
from dockcred.system.environment import Environment
from dockcred.testing.sandbox import rs256
from dockcred.testing.sandbox.oracle import registry

HOST = "fra.ocir.io"


def oracle(cloud):
    """Return the sandbox's Oracle."""
    return next(c for c in cloud._clouds if c.subject.provider == "oracle")


class Tampering:
    """A signer whose headers a test may change before they are sent."""

    def __init__(self, signer: signature.Signer, change) -> None:
        self._signer, self._change = signer, change

    def headers(self, method: str, netloc: str, path: str) -> dict[str, str]:
        return self._change(self._signer, method, netloc, path)


def other_path(signer, method, netloc, path):
    return signer.headers(method, netloc, "/20180419/docker/other")


def other_host(signer, method, netloc, path):
    return signer.headers(method, "iad.ocir.io", path)


def bent(signer, method, netloc, path):
    found = signer.headers(method, netloc, path)
    head, _, rest = found["authorization"].partition('signature="')
    swapped = ("B" if rest[0] == "A" else "A") + rest[1:]
    return found | {"authorization": f'{head}signature="{swapped}'}


def other_date(signer, method, netloc, path):
    later = email.utils.formatdate(time.time() + 7, usegmt=True)
    return signer.headers(method, netloc, path) | {"date": later}


def without_host(signer, method, netloc, path):
    signer._signed = ("date", "(request-target)")
    return signer.headers(method, netloc, path)


def as_another(signer, method, netloc, path):
    found = signer.headers(method, netloc, path)
    name = signer.key_id.replace("ocid1.user", "ocid1.another")
    return found | {
        "authorization": found["authorization"].replace(signer.key_id, name)
    }


@pytest.fixture
def ask(cloud):
    """Return a function: it asks for a token; `change` alters the signed headers."""
    said, key = oracle(cloud).tenancy.user("tampering")
    key_id = "/".join(said[part] for part in ("tenancy", "user", "fingerprint"))
    environment = Environment(cloud.environment("oracle-nobody"))

    def asked(change=None, host: str = HOST):
        signer = signature.Signer(key_id, key)
        sent = Tampering(signer, change) if change else signer
        return api.registry_token(host, sent, "the key", environment)

    return asked


@pytest.mark.parametrize(
    "change", [other_path, other_host, bent, other_date, without_host, as_another]
)
def test_a_signature_that_does_not_hold_is_refused(change, ask, cloud) -> None:
    assert ask().secret
    with pytest.raises(api.EndedError):
        ask(change)
    assert cloud.calls["ocir:refused"] == 1


@pytest.mark.parametrize("off_s", [-301, 301])
def test_a_date_that_is_off_is_refused_and_the_clock_named(
    off_s, ask, cloud, monkeypatch
) -> None:
    def old(signer, *target):
        there = email.utils.formatdate(time.time() + off_s, usegmt=True)
        monkeypatch.setattr(signature, "formatdate", lambda **_: there)
        return signer.headers(*target)

    with pytest.raises(api.EndedError):
        ask(old)
    assert cloud.calls["ocir:refused"] == 1


def test_a_date_within_five_minutes_is_taken(ask, monkeypatch) -> None:
    there = email.utils.formatdate(time.time() - 290, usegmt=True)
    monkeypatch.setattr(signature, "formatdate", lambda **_: there)
    assert ask().secret


def test_a_clock_that_is_wrong_is_named(get, cloud) -> None:
    environment = cloud.environment("oracle-api-key")
    cloud.fail("ocir:clock-skew:1")
    said = get(environment).said
    assert "clock is 3600 s off" in said or "clock is 3599 s off" in said


def test_a_region_without_a_subscription_is_refused(get, cloud) -> None:
    said = get(cloud.environment("oracle-api-key"), "gru.ocir.io").said
    assert "not subscribed to this region" in said


def test_a_regions_token_is_not_taken_in_another(get, cloud) -> None:
    environment = cloud.environment("oracle-api-key")
    password = get(environment).password
    now = time.time()
    assert oracle(cloud).admits("BEARER_TOKEN", password, HOST, now)
    assert not oracle(cloud).admits("BEARER_TOKEN", password, "iad.ocir.io", now)
    assert not oracle(cloud).admits("somebody", password, HOST, now)
    assert not oracle(cloud).admits("BEARER_TOKEN", password, HOST, now + 3601)


@pytest.mark.parametrize("who", ["api-key", "session", "resource-principal"])
def test_a_key_that_is_deleted_is_an_error_and_not_nobody(who, get, cloud) -> None:
    environment = cloud.environment(f"oracle-{who}")
    tenancy = oracle(cloud).tenancy
    for known in list(tenancy._known.values()):
        tenancy.revoke(known.principal)
    assert get(environment).said.startswith("fra.ocir.io does not accept the ") or (
        who == "resource-principal"
    )
    assert get(environment).status == 1


def test_a_session_that_has_ended_names_the_login(get, cloud) -> None:
    from dockcred.testing.sandbox.oracle import identities

    life, identities.SESSION_LIFE_S = identities.SESSION_LIFE_S, -1
    try:
        environment = cloud.environment("oracle-session")
    finally:
        identities.SESSION_LIFE_S = life
    said = get(environment).said
    assert "has ended" in said
    assert "oci session authenticate" in said
    assert not cloud.calls


@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ("ocir:access-denied", "denies the API key"),
        ("ocir:throttle", "throttles"),
        ("ocir:wrong-shape", "did not answer as Oracle's cloud does"),
        ("ocir:page", "did not answer as Oracle's cloud does"),
        ("ocir:garbage-body", "did not answer as Oracle's cloud does"),
    ],
)
def test_each_failure_is_told_in_a_line(failure, told, get, cloud) -> None:
    environment = cloud.environment("oracle-api-key") | {"DOCKCRED_TIMEOUT": "20"}
    cloud.fail(failure)
    assert told in get(environment).said


@pytest.mark.parametrize("what", ["oci-metadata", "oci-auth", "oke"])
@pytest.mark.parametrize("failure", ["server-error", "wrong-shape", "garbage-body"])
def test_a_machine_that_is_not_told_is_an_error(what, failure, get, cloud) -> None:
    who = "workload-identity" if what == "oke" else "instance-principal"
    environment = cloud.environment(f"oracle-{who}") | {
        "DOCKCRED_TIMEOUT": "20",
        "DOCKCRED_ANONYMOUS": "false",
    }
    cloud.fail(f"{what}:{failure}")
    assert get(environment).said
    assert not cloud.calls["ocir:token"]


def test_a_certificate_goes_to_no_other_realm(get, cloud, monkeypatch) -> None:
    from dockcred.testing.sandbox.oracle import machine

    monkeypatch.setattr(machine, "REALM", "oraclecloud.example")
    said = get(cloud.environment("oracle-instance-principal")).said
    assert "none of Oracle's" in said
    assert not cloud.calls["proxy:CONNECT"]


def test_plain_http_is_nobodys(ocir, cloud) -> None:
    answer = ocir.get(cloud.environment("oracle-api-key"), "http://fra.ocir.io")
    assert answer.status == 1
    assert not cloud.calls


def test_the_sandbox_tells_a_malformed_signature(cloud) -> None:
    request = SimpleNamespace(header=lambda _: "Signature keyId=1", method="GET")
    from dockcred.testing.sandbox.oracle import signatures
    from dockcred.testing.sandbox.service import Refusal

    with pytest.raises(Refusal):
        signatures.verify(request, rs256.new_key, registry.SIGNED, time.time())
