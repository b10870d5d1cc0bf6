"""The cache with Google's identities: one mint, no expired or foreign tokens."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dockcred.testing.sandbox import Sandbox
from dockcred.testing.sandbox.google.principals import email


def principal(cloud, result):
    assert result.status == 0, result.output
    return cloud.minted(result.secret).principal


def test_fifty_cold_gets_at_once_are_one_mint(run):
    with Sandbox(metadata_latency_ms=100) as cloud:
        environment = cloud.environment("google-metadata") | {"DOCKCRED_TIMEOUT": "25"}
        with ThreadPoolExecutor(50) as pool:
            results = list(pool.map(lambda _: run(environment), range(50)))
        assert {result.status for result in results} == {0}
        assert len({result.secret for result in results}) == 1
        assert cloud.calls["gce-metadata:token"] == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", ["google-metadata", "google-wif-direct"])
def test_an_expired_token_is_never_answered(name, run):
    with Sandbox(expires_s=3) as cloud:
        environment = cloud.environment(name) | {"DOCKCRED_REFRESH": "off"}
        answered = []
        while len(set(answered)) < 3:
            asked = time.time()
            result = run(environment)
            assert result.status == 0
            assert cloud.minted(result.secret).expires_at > asked
            answered.append(result.secret)
        assert len(answered) > 3


def end_leases(environment):
    """Set each lease in the cache to a past time, as if fifteen minutes had passed."""
    cache = Path(environment["DOCKCRED_CACHE_DIR"])
    found = cache.glob("google,*")
    entries = [p for p in found if p.read_text().startswith("dockcred entry")]
    assert entries
    for path in entries:
        lines = path.read_text().split("\n")
        assert lines[4]
        lines[4] = repr(time.time() - 1)
        path.write_text("\n".join(lines))


def test_after_its_lease_a_machine_is_asked_who_it_is_and_not_for_a_token(cloud, run):
    environment = cloud.environment("google-metadata")
    first = run(environment)
    end_leases(environment)
    cloud.reset()
    assert run(environment) == first
    assert dict(cloud.calls) == {"gce-metadata:default": 1}
    cloud.reset()
    assert run(environment) == first
    assert not cloud.calls


def test_a_swapped_service_account_is_met_when_the_lease_ends(cloud, run):
    environment = cloud.environment("google-metadata")
    run(environment)
    cloud.google.machine_account = email("other")
    end_leases(environment)
    assert principal(cloud, run(environment)) == email("other")


def test_another_key_on_the_same_path_is_a_miss(cloud, run):
    environment = cloud.environment("google-service-account")
    first = run(environment)
    other = cloud.google.principals.new_key("second")
    work = cloud.environment("google-impersonated")  # writes a file of the same form
    path = Path(environment["GOOGLE_APPLICATION_CREDENTIALS"])
    path.write_text(Path(work["GOOGLE_APPLICATION_CREDENTIALS"]).read_text())
    assert other
    assert principal(cloud, run(environment)) == email("impersonated")
    assert principal(cloud, first) == email("keyed")


def test_the_next_jobs_token_on_the_same_path_is_not_answered_the_last_ones(cloud, run):
    environment = cloud.environment("google-wif-direct")
    first = run(environment)
    token = Path(environment["GOOGLE_APPLICATION_CREDENTIALS"]).parent / "token"
    token.write_text(cloud.google.subject_token("wif-direct", time.time() + 1))
    assert run(environment) == first  # rotated for the same subject
    token.write_text(cloud.google.subject_token("next-job", time.time()))
    assert principal(cloud, run(environment)).endswith("/subject/next-job")


def test_logout_and_login_in_gcloud_are_misses(cloud, run):
    environment = cloud.environment("google-gcloud")
    calls = Path(environment["HOME"]) / "gcloud-calls"
    run(environment), run(environment)
    assert len(calls.read_text().splitlines()) == 1
    database = Path(environment["HOME"]) / ".config/gcloud/credentials.db"
    database.write_text("another login")
    run(environment)
    assert len(calls.read_text().splitlines()) == 2
    database.unlink()  # revoking the last account would keep the file
    assert run(environment).status == 1
    assert len(calls.read_text().splitlines()) == 2


def test_another_gcloud_configuration_is_a_miss(cloud, run):
    environment = cloud.environment("google-gcloud")
    calls = Path(environment["HOME"]) / "gcloud-calls"
    run(environment)
    directory = Path(environment["HOME"]) / ".config/gcloud"
    for name in ("work", "third"):
        text = f"[core]\naccount = {name}@sandbox.example\n"
        (directory / f"configurations/config_{name}").write_text(text)
    (directory / "active_config").write_text("work")
    run(environment)
    run(environment | {"CLOUDSDK_ACTIVE_CONFIG_NAME": "third"})
    assert len(calls.read_text().splitlines()) == 3


def test_the_account_to_impersonate_is_in_the_key(run):
    with Sandbox() as cloud:
        environment = cloud.environment("google-service-account")
        for name in ("one", "two"):
            cloud.google.principals.allow(email("keyed"), email(name))
            named = {"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT": email(name)}
            assert principal(cloud, run(environment | named)) == email(name)
        assert principal(cloud, run(environment)) == email("keyed")


def test_nothing_secret_is_written_but_the_token_in_its_private_file(cloud, run):
    environment = cloud.environment("google-service-account")
    secret = run(environment).secret
    cache = Path(environment["DOCKCRED_CACHE_DIR"])
    for path in cache.iterdir():
        assert path.stat().st_mode & 0o077 == 0 or path.name == "CACHEDIR.TAG"
        text = path.read_text()
        assert "PRIVATE KEY" not in text
        assert (secret in text) == (text.startswith("dockcred entry"))


def test_erase_drops_the_token_and_list_names_what_is_held(cloud, run):
    environment = cloud.environment("google-metadata")
    run(environment)
    assert run(environment, "list", "").output == '{"gcr.io":"oauth2accesstoken"}'
    assert run(environment, "erase").status == 0
    assert not [*Path(environment["DOCKCRED_CACHE_DIR"]).glob("*,gcr.io*")]
