"""Registries of other universes of Google Cloud: their hosts, and the tokens for them.

google-auth defines universes, and the universe of each identity. google-api-core
demands that the identity's universe is the service's.
"""

from __future__ import annotations

import json
import time
from importlib.util import find_spec
from pathlib import Path

import pytest
from google.auth import credentials as theirs
from google.auth import external_account, iam, identity_pool
from google.oauth2 import service_account
from support.program import NOT_FOUND, Program
from support.real import missing

from dockcred.credential import ServerURL
from dockcred.errors import DockcredError, InvalidInputError
from dockcred.providers.google import Google, hosts, identities, impersonation, logins
from dockcred.system.environment import Environment
from dockcred.system.environment import google as names
from dockcred.testing.sandbox import Sandbox
from dockcred.transport.json_reader import claims_of

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

UNIVERSE = "apis-sandbox.goog"
HOST = "u-one-docker.pkg-sandbox.goog"
OWN = "europe-docker.pkg.dev"
VARIABLE = "GOOGLE_CLOUD_UNIVERSE_DOMAIN"
CHOSEN = {VARIABLE: UNIVERSE}


@pytest.fixture
def cloud():
    with Sandbox(tls=True) as sandbox:
        sandbox.google.universe = UNIVERSE
        yield sandbox


@pytest.fixture
def gcr(helper_bin: Path) -> Program:
    return Program(str(helper_bin / "docker-credential-gcr"))


def serves(host: str, universe: str) -> bool:
    found = Google(hosts.of_universe(universe))
    return found.matches(ServerURL.parse(host))


@pytest.mark.parametrize(
    ("universe", "served"),
    [
        ("s3nsapis.fr", "u-france-east1-docker.s3nsregistry.fr"),
        (
            "apis-berlin-build0.goog",
            "u-germany-northeast1-docker.pkg-berlin-build0.goog",
        ),
        ("cloud.example", "one-docker.pkg.cloud.example"),
    ],
)
def test_a_universe_s_registries_are_served_where_it_is_named(universe, served):
    assert serves(served, universe)
    assert serves(OWN, universe)
    assert not serves(served, "")
    assert not serves(served, "other.example")
    first, _, domain = served.partition(".")
    location = first.removesuffix("-docker")
    for other in (
        *(f"{served}.evil.example", f"evil.{served}", f"{location}-npm.{domain}"),
        *(f"{location}-dockerx{domain}", f"-docker.{domain}", f"docker.{domain}"),
        *(domain, universe, f"{location}-docker.x{domain}", f"http://{served}"),
    ):
        assert not serves(other, universe), other


@pytest.mark.parametrize(
    "named", ["x", "a b.c", "https://a.b", "a..b", "a.b/c", "ü.de"]
)
def test_a_universe_that_is_no_domain_is_told(named):
    with pytest.raises(InvalidInputError, match="no domain"):
        names.universe(Environment({VARIABLE: named}))


def test_a_machine_s_token_goes_to_its_universe_alone(cloud, gcr):
    environment = cloud.environment("google-metadata") | CHOSEN
    answer = gcr.get(environment, HOST)
    assert cloud.minted(answer.password)
    cloud.reset()
    said = gcr.get(environment, OWN).said
    assert "is of the universe googleapis.com" in said
    assert UNIVERSE in said
    assert not [r for r in cloud.requests if r.path.endswith("/token")]
    assert gcr.get(cloud.environment("google-metadata"), HOST).stdout == NOT_FOUND


@pytest.mark.parametrize("universe", ["googleapis.com", "", "apis-other.goog"])
def test_a_machine_of_another_universe_is_refused(universe, cloud, gcr):
    """Also if the metadata server knows no universe, as Google's older ones do."""
    cloud.google.universe = universe
    environment = cloud.environment("google-metadata") | CHOSEN
    said = gcr.get(environment, HOST).said
    assert f"the registry is of the universe {UNIVERSE}" in said
    assert (universe or "googleapis.com") in said
    assert not [r for r in cloud.requests if r.path.endswith("/token")]
    cloud.google.universe = UNIVERSE
    assert gcr.get(environment | {"DOCKCRED_CACHE": "off"}, HOST).status == 0


def key(cloud, tmp_path: Path, universe: str) -> dict[str, str]:
    """Return variables that name a service account's key of this universe."""
    environment = cloud.environment("google-service-account")
    path = Path(environment["GOOGLE_APPLICATION_CREDENTIALS"])
    document = json.loads(path.read_text()) | {"universe_domain": universe}
    path = tmp_path / f"{universe}.json"
    path.write_text(json.dumps(document))
    path.chmod(0o600)
    return environment | {"GOOGLE_APPLICATION_CREDENTIALS": str(path)}


def test_a_key_of_another_universe_signs_its_token_itself(cloud, gcr, tmp_path):
    """As in google-auth: no endpoint of Google's is asked."""
    environment = key(cloud, tmp_path, UNIVERSE) | CHOSEN
    cloud.reset()
    mine = claims_of(gcr.get(environment, HOST).password.encode())
    assert not cloud.calls
    path = environment["GOOGLE_APPLICATION_CREDENTIALS"]
    made = service_account.Credentials.from_service_account_file(
        path, scopes=[mine["scope"]]
    )
    made.refresh(None)
    other = claims_of(made.token.encode())
    assert mine.keys() == other.keys()
    times = {"iat", "exp"}
    assert {n: mine[n] for n in mine.keys() - times} == {
        n: other[n] for n in other.keys() - times
    }
    assert time.time() < mine["exp"] < time.time() + 3700


def test_a_key_opens_no_registry_of_another_universe(cloud, gcr, tmp_path):
    environment = key(cloud, tmp_path, UNIVERSE) | CHOSEN
    for user in ("", "_json_key"):
        more = {"DOCKCRED_GOOGLE_USERNAME": user}
        assert "universe googleapis.com" in gcr.get(environment | more, OWN).said
        assert gcr.get(environment | more, HOST).status == 0
    own = key(cloud, tmp_path, "googleapis.com") | CHOSEN
    cloud.reset()
    assert f"is of the universe {UNIVERSE}" in gcr.get(own, HOST).said
    assert not cloud.calls
    assert gcr.get(own, OWN).status == 0


def test_doctor_tells_it_without_asking_anybody(cloud, helper_bin, tmp_path):
    doctor = Program(str(helper_bin / "dockcred"))
    environment = key(cloud, tmp_path, UNIVERSE) | CHOSEN
    cloud.reset()
    for host, is_told in ((OWN, True), (HOST, False)):
        answer = doctor("doctor", host, environment=environment)
        said = " ".join(answer.stdout.decode().split())
        assert ("is of the universe googleapis.com" in said) == is_told
    assert not cloud.calls


def test_status_tells_the_universe_of_an_identity(cloud, tmp_path):
    environment = Environment(key(cloud, tmp_path, UNIVERSE))
    assert identities.about("", environment)["universe"] == UNIVERSE
    environment = Environment(key(cloud, tmp_path, "googleapis.com"))
    assert "universe" not in identities.about("", environment)


def test_another_account_s_token_is_asked_for_in_the_universe(cloud, gcr):
    account = f"pull@{UNIVERSE}"
    environment = cloud.environment("google-metadata") | CHOSEN
    gcr.get(environment | {"GOOGLE_IMPERSONATE_SERVICE_ACCOUNT": account}, HOST)
    asked = [r.host for r in cloud.requests if r.path.endswith(":generateAccessToken")]
    assert asked == [f"iamcredentials.{UNIVERSE}"]


@pytest.mark.parametrize(("host", "is_theirs"), [(HOST, True), (OWN, False)])
def test_a_job_s_token_is_exchanged_in_the_registry_s_universe(
    host, is_theirs, cloud, helper_bin
):
    from dockcred.testing.sandbox.google import sts

    oidc = Program(str(helper_bin / "docker-credential-oidc"))
    pool = sts.PROVIDERS["oidc"]
    cloud.google.issuer = cloud.ci.github
    cloud.ci.audience = f"https:{pool}"
    environment = cloud.environment("ci-github") | {
        "DOCKCRED_OIDC_HOSTS": host,
        "DOCKCRED_OIDC_EXCHANGE": "google",
        "DOCKCRED_OIDC_AUDIENCE": f"https:{pool}",
        "DOCKCRED_GOOGLE_AUDIENCE": pool,
    }
    answer = oidc.get(environment | CHOSEN, host)
    assert cloud.minted(answer.password)
    universe = UNIVERSE if is_theirs else "googleapis.com"
    asked = [r.host for r in cloud.requests if r.host.startswith("sts.")]
    assert asked == [f"sts.{universe}"]
    if is_theirs:
        assert "serves the hosts of docker-credential-gcr" in (
            oidc.get(environment, host).said
        )


def test_a_file_whose_endpoints_are_of_another_universe_is_refused(tmp_path):
    """google-auth would send one universe's token to the other universe."""
    document = {
        "type": "external_account",
        "audience": "//iam.googleapis.com/p",
        "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
        "token_url": "https://sts.googleapis.com/v1/token",
        "credential_source": {"file": "/nowhere"},
    }
    path = tmp_path / "file.json"

    def found(**changes: str) -> str:
        path.write_text(json.dumps(document | changes))
        return logins.CredentialsFile(Environment({}), str(path)).universe()

    assert found() == "googleapis.com"
    own = {"universe_domain": UNIVERSE, "token_url": f"https://sts.{UNIVERSE}/v1/token"}
    assert found(**own) == UNIVERSE
    with pytest.raises(DockcredError, match="its endpoints are Google's own"):
        found(universe_domain=UNIVERSE)
    with pytest.raises(DockcredError, match="its endpoints are Google's own"):
        found(**own, service_account_impersonation_url=impersonation.url_for("a@b"))


def test_gcloud_s_universe_is_its_variable_s_or_its_configuration_s(tmp_path):
    settings = tmp_path / "configurations/config_default"
    settings.parent.mkdir()
    settings.write_text("[core]\naccount = me\n")
    variables = {"CLOUDSDK_CONFIG": str(tmp_path)}

    def found(**more: str) -> str:
        return logins.Account(Environment(variables | more), "gcloud").universe()

    assert found() == "googleapis.com"
    settings.write_text(f"[core]\naccount = me\nuniverse_domain = {UNIVERSE}\n")
    assert found() == UNIVERSE
    assert found(CLOUDSDK_CORE_UNIVERSE_DOMAIN="other.example") == "other.example"


domains = st.sampled_from(["googleapis.com", UNIVERSE, "s3nsapis.fr", "cloud.example"])
documents = st.fixed_dictionaries(
    {
        "type": st.just("external_account"),
        "audience": st.just("//iam/p"),
        "subject_token_type": st.just("urn:ietf:params:oauth:token-type:jwt"),
        "token_url": st.just("https://sts.cloud.example/v1/token"),
        "credential_source": st.just({"file": "/nowhere"}),
    },
    optional={"universe_domain": domains},
)


def test_google_auth_reads_the_same_universe_and_asks_the_same_endpoints(
    side_by_side, tmp_path
):
    path = tmp_path / "file.json"

    def compare(document):
        path.write_text(json.dumps(document))
        made = identity_pool.Credentials.from_info(document)
        mine = logins.CredentialsFile(Environment({}), str(path)).universe()
        assert mine == made.universe_domain
        url = iam._IAM_ENDPOINT.replace(theirs.DEFAULT_UNIVERSE_DOMAIN, mine)
        assert impersonation.url_for("a@b", mine) == url.format("a@b")
        default = external_account._DEFAULT_TOKEN_URL.format(universe_domain=mine)
        assert default == f"https://sts.{mine}/v1/token"

    side_by_side(compare, documents, share=0.2)


def test_google_api_core_chooses_and_compares_alike(side_by_side):
    if find_spec("google.api_core") is None:
        missing("google-api-core is not installed: pip install google-api-core")
    from google.api_core import universe as core

    class Source:
        files = tokens = sources = ()

        def __init__(self, found: str) -> None:
            self.universe_domain = found

        def universe(self) -> str:
            return self.universe_domain

    def compare(variable, found):
        chosen = Environment({VARIABLE: variable} if variable else {})
        wanted = core.determine_domain(None, variable)
        assert (names.universe(chosen) or "googleapis.com") == wanted
        source = Source(found)
        try:
            identities._check_universe(source, wanted, chosen)
            mine = True
        except DockcredError:
            mine = False
        try:
            other = core.compare_domains(wanted, source)
        except core.UniverseMismatchError:
            other = False
        assert mine == other

    side_by_side(compare, st.one_of(st.none(), domains), domains, share=0.2)
