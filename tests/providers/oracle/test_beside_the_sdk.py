"""Our signatures and our reading of profiles are compared with Oracle's SDK."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from support import ignored_variables
from support.real import missing

from dockcred.credential import ServerURL
from dockcred.errors import DockcredError
from dockcred.providers.oracle import Oracle, hosts, regions, signature
from dockcred.system.environment import COMMON, Environment, become
from dockcred.system.environment import oracle as variables
from dockcred.testing.sandbox import rs256

st = pytest.importorskip("hypothesis.strategies")
try:
    import oci
    import oci.signer
    from oci import regions_definitions
    from oci._vendor import requests
except ImportError:
    missing("Oracle's SDK is not installed: pip install oci")

OCID = "ocid1.user.oc1..aaaa"
TENANCY = "ocid1.tenancy.oc1..aaaa"
FINGERPRINT = ":".join(["0a"] * 16)
ROADS = (
    *("api-key", "encrypted-key", "variables", "session", "instance-principal"),
    *("resource-principal", "resource-principal-variables", "workload-identity"),
)


@pytest.mark.parametrize("who", ROADS)
def test_both_roads_are_the_same_principal(who, get, cloud) -> None:
    environment = cloud.environment(f"oracle-{who}") | {"DOCKCRED_TIMEOUT": "25"}
    environment |= {"DOCKCRED_CACHE": "off"}
    minted = [
        cloud.minted(get(environment | {"DOCKCRED_ROAD": road}).password)
        for road in ("direct", "sdk")
    ]
    assert minted[0].principal == minted[1].principal
    assert minted[0].region == minted[1].region


@pytest.mark.parametrize("who", ["api-key", "session", "resource-principal"])
def test_both_roads_send_the_same_request(who, get, cloud) -> None:
    environment = cloud.environment(f"oracle-{who}") | {"DOCKCRED_TIMEOUT": "25"}
    environment |= {"DOCKCRED_CACHE": "off"}
    for road in ("direct", "sdk"):
        get(environment | {"DOCKCRED_ROAD": road})
    ours, theirs = (dict(request.headers) for request in cloud.requests)
    assert ours.keys() == theirs.keys()
    dated = re.compile(r'signature="[^"]*"')
    differ = {name for name in ours if ours[name] != theirs[name]}
    assert differ <= {"date", "authorization"}
    assert dated.sub("", ours["authorization"]) == dated.sub(
        "", theirs["authorization"]
    )


@pytest.mark.parametrize("who", ["instance-principal", "workload-identity"])
def test_both_roads_trade_the_same_proof(who, get, cloud) -> None:
    environment = cloud.environment(f"oracle-{who}") | {"DOCKCRED_TIMEOUT": "25"}
    environment |= {"DOCKCRED_CACHE": "off"}
    found = []
    for road in ("direct", "sdk"):
        cloud.reset()
        assert get(environment | {"DOCKCRED_ROAD": road}).password
        (post,) = (r for r in cloud.requests if r.method == "POST")
        authorization = re.sub(r'signature="[^"]*"', "", post.header("authorization"))
        body = json.loads(post.body)
        own = {name: "" for name in ("publicKey", "podKey") if name in body}
        found.append((post.host, post.path, authorization, body | own))
    assert found[0] == found[1]


PATHS = st.text("abcdefgh/0123-_.~", max_size=12).map(lambda text: f"/{text}")
BODIES = st.one_of(st.just(b""), st.binary(min_size=1, max_size=40))


def test_a_signature_is_the_sdks_byte_for_byte(side_by_side, monkeypatch) -> None:
    key = rs256.new_key()
    name = f"{TENANCY}/{OCID}/{FINGERPRINT}"
    theirs = oci.signer.Signer(
        TENANCY, OCID, FINGERPRINT, None, private_key_content=rs256.pem(key)
    )
    now = "Sun, 29 Nov 2026 21:00:00 GMT"
    monkeypatch.setattr(signature, "formatdate", lambda **_: now)

    def compare(host: str, path: str, body: bytes) -> None:
        method = "POST" if body else "GET"
        ours = signature.Signer(name, key).headers(method, host, path, body)
        asked = requests.Request(method, f"https://{host}{path}", data=body or None)
        prepared = asked.prepare()
        prepared.headers["date"] = now
        signed = {n.lower(): str(v) for n, v in theirs(prepared).headers.items()}
        assert prepared.path_url == path
        assert ours == {n: v for n, v in signed.items() if n in ours}

    hosts_seen = st.sampled_from(["fra.ocir.io", "iad.ocir.io:8443"])
    side_by_side(compare, hosts_seen, PATHS.filter(_is_plain), BODIES, share=0.1)


def _is_plain(path: str) -> bool:
    """Return whether the library `requests` keeps a path; it resolves dots."""
    return not {".", ".."} & set(path.split("/")) and "//" not in path


FIELDS = {
    "user": ["", OCID, "ocid1.user", "me", f"{OCID}/x", "ocid1:user:oc1::aaaa"],
    "tenancy": ["", TENANCY, TENANCY.upper(), "ocid1..oc1..", "a.b.c.d."],
    "fingerprint": ["", FINGERPRINT, FINGERPRINT.upper(), FINGERPRINT[:-1], "00:11"],
    "key_file": ["", "KEY", "~/key.pem", "/nowhere/key.pem"],
    "pass_phrase": ["", "another one's"],
    "region": ["eu-frankfurt-1"],
    "security_token_file": [""],
    "key_content": ["", "", "", "a key"],
}
PROFILES = st.fixed_dictionaries(
    {name: st.sampled_from([*values, values[0]]) for name, values in FIELDS.items()}
)
USUAL = {
    "user": OCID,
    "tenancy": TENANCY,
    "fingerprint": FINGERPRINT,
    "key_file": "KEY",
}


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, dict[str, str]]:
    """One or two profiles; most of their fields are right."""
    found = {}
    for name in draw(st.sampled_from([("DEFAULT",), ("DEFAULT", "WORK"), ("WORK",)])):
        odd = draw(PROFILES)
        taken = draw(st.sets(st.sampled_from(sorted(FIELDS)), max_size=2))
        found[name] = USUAL | {field: odd[field] for field in taken}
    return found


def test_a_profile_is_read_as_the_sdk_reads_it(
    side_by_side, tmp_path: Path, monkeypatch
) -> None:
    # Reading a key takes 50 ms, and another test covers it.
    signer = oci.signer.AbstractBaseSigner
    monkeypatch.setattr(signer, "create_signers", lambda *_: None)
    monkeypatch.setattr(oci.signer, "load_private_key", lambda *_: None)
    monkeypatch.setattr(signature, "read_key", lambda *_: None)
    (tmp_path / "key.pem").write_text("a key")
    config = tmp_path / ".oci/config"
    config.parent.mkdir()
    provider, server = Oracle(), ServerURL.parse("fra.ocir.io")

    def compare(profiles: dict[str, dict[str, str]], chosen: str) -> None:
        lines = []
        for name, fields in profiles.items():
            lines.append(f"[{name}]")
            lines += [f"{field} = {value}" for field, value in fields.items() if value]
        text = "\n".join([*lines, ""]).replace("KEY", str(tmp_path / "key.pem"))
        config.write_text(text)
        environment = Environment({"HOME": str(tmp_path), "OCI_CLI_PROFILE": chosen})
        become(environment)
        try:
            theirs = oci.config.from_file(profile_name=chosen)
            name = oci.signer.Signer.from_config({"region": "x"} | theirs).api_key
        except Exception:  # noqa: BLE001 - any error is a refusal
            name = ""
        try:
            ours = provider.identity(server, environment).signer().key_id
        except DockcredError:
            ours = ""
        assert ours == name, text

    side_by_side(
        compare, configurations(), st.sampled_from(["DEFAULT", "WORK"]), share=0.2
    )


@pytest.mark.parametrize("home", [True, False])
@pytest.mark.parametrize("named", [True, False])
@pytest.mark.parametrize("old", [True, False])
def test_the_same_file_is_read(home, named, old, tmp_path, monkeypatch) -> None:
    for wanted, path in ((home, ".oci/config"), (old, ".oraclebmc/config")):
        if wanted:
            (tmp_path / path).parent.mkdir()
            (tmp_path / path).write_text("")
    said = {"OCI_CONFIG_FILE": "~/other"} if named else {}
    environment = Environment({"HOME": str(tmp_path)} | said)
    become(environment)
    theirs = oci.config._get_config_path_with_fallback(oci.config.DEFAULT_LOCATION)
    assert hosts.config_file(environment) == theirs


def test_every_region_of_the_sdk_is_served_in_its_realm() -> None:
    realms, of = regions_definitions.REALMS, regions_definitions.REGION_REALMS
    for region, realm in of.items():
        assert hosts.is_registry(f"ocir.{region}.oci.{realms[realm]}"), region
        assert hosts.is_registry(f"{region}.ocir.io")
    for key in regions_definitions.REGIONS_SHORT_NAMES:
        assert hosts.is_registry(f"{key}.ocir.io"), key
    assert set(realms.values()) == hosts.REALMS


def test_a_region_has_the_registries_that_the_sdk_would_ask() -> None:
    names = regions_definitions.REGIONS_SHORT_NAMES
    for key, name in names.items():
        theirs = oci.regions.endpoint_for(
            "registry",
            region=key.upper(),
            service_endpoint_template="https://ocir.{region}.oci.{secondLevelDomain}",
        )
        is_commercial = theirs.endswith(".oraclecloud.com")
        expected = {theirs.removeprefix("https://")}
        expected |= {f"{key}.ocir.io"} if is_commercial else set()
        for said in (key, key.upper(), name, name.upper()):
            assert set(regions.registries(said)) == expected, said
    assert not regions.registries("eu-nowhere-9")
    assert not regions.registries("")


READ = ("config.py", "signer.py", "regions.py", "auth/*.py", "auth/signers/*.py")


def test_every_variable_of_the_sdk_is_in_the_key_or_ignored_with_a_reason() -> None:
    folder = Path(oci.__file__).parent
    text = "".join(p.read_text() for pattern in READ for p in folder.glob(pattern))
    read = set(re.findall(r"""["']((?:OCI|KUBERNETES)_[A-Z0-9_]+)["']""", text))
    known = {*variables.VARIABLES, *variables.SECRETS, *COMMON}
    left = {
        name
        for name in read - known - set(ignored_variables.ORACLE)
        if not name.endswith(("_FOR_LEAF_RESOURCE", "_FOR_PARENT_RESOURCE"))
    }
    assert "OCI_RESOURCE_PRINCIPAL_RPST" in read
    assert not left
