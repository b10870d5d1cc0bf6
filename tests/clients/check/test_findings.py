"""`check` reports each trap of each format with its severity, and shows no secret."""

from __future__ import annotations

import base64
import json

import pytest
import trustme
from support.kubelet_configs import VECTORS

from dockcred.clients import formats, kubelet
from dockcred.clients import formats as rendering
from dockcred.clients.entries import Login
from dockcred.clients.findings import Severity
from dockcred.credential import Credential
from dockcred.errors import InvalidInputError

ERROR, WARNING, NOTE, FINE = (
    Severity.ERROR,
    Severity.WARNING,
    Severity.NOTE,
    Severity.FINE,
)
SECRET = "s3cr3t-w0rd"
HUB = "https://index.docker.io/v1/"


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


AUTH = b64(f"me:{SECRET}")
GOOD = {"auth": AUTH}
NEWLINE = {"auth": b64(f"me:{SECRET}\n")}
UNPADDED = {"auth": AUTH.rstrip("=")}
NO_COLON = {"auth": b64(SECRET)}
NO_BASE64 = {"auth": f"me:{SECRET}"}
NO_TEXT = {"auth": base64.b64encode(b"me:\xff\xfe").decode()}
IN_FIELDS = {"username": "me", "password": SECRET}
ID_TOKEN = {"identitytoken": SECRET}
TOKEN_AS_USER = {"auth": b64(f"<token>:{SECRET}")}


def test_whatever_is_rendered_can_be_checked() -> None:
    assert formats.CHECKERS.keys() == rendering.FORMATS.keys() | {"kubelet-config"}


def found(form: str, text: str | bytes, reader: str = "") -> list[tuple[Severity, str]]:
    data = text.encode() if isinstance(text, str) else text
    findings = formats.check(form, data, reader)
    said = "".join(f"{f.text} {f.remedy} {f.fix}" for f in findings)
    assert SECRET not in said
    assert b64(SECRET)[:8] not in said
    return [(finding.severity, finding.text) for finding in findings]


def tells(
    form: str, text: str, severity: Severity, said: str, reader: str = ""
) -> None:
    everything = found(form, text, reader)
    assert any(s is severity and said in t for s, t in everything), everything
    if severity < WARNING:
        assert max(s for s, _ in everything) < WARNING, everything


def auths(**more: object) -> str:
    entries = {key.replace("_", "."): entry for key, entry in more.items()}
    return json.dumps({"auths": entries})


def keyed(key: str, table: str = "auths") -> str:
    return json.dumps({table: {key: GOOD if table == "auths" else "auto"}})


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (auths(ghcr_io=GOOD), FINE, "the user me"),
        ("{", ERROR, "it is not JSON at line 1: docker cannot use it"),
        ("[]", ERROR, "not a JSON object"),
        ("{}", ERROR, "no login and no helper"),
        (auths(ghcr_io={}), WARNING, "has no credential: docker asks anonymously"),
        (auths(ghcr_io=NEWLINE), ERROR, "newline behind the password"),
        (auths(ghcr_io=UNPADDED), ERROR, "may lose other logins"),
        (auths(ghcr_io=NO_COLON), ERROR, "may lose other logins"),
        (auths(ghcr_io=NO_BASE64), ERROR, "may lose other logins"),
        (auths(ghcr_io=5), ERROR, 'auths["ghcr.io"] is no object: docker warns'),
        (auths(ghcr_io={"auth": 5}), ERROR, 'auths["ghcr.io"].auth is no text'),
        (auths(ghcr_io=GOOD | {"email": None}), FINE, "the user me"),
        ('{"auths": []}', ERROR, "auths is no object"),
        ('{"credHelpers": {"ghcr.io": 5}}', ERROR, 'credHelpers["ghcr.io"] is no text'),
        ('{"credsStore": true}', ERROR, "credsStore is no text"),
        (auths(ghcr_io=NO_TEXT), WARNING, "not the base64 of a text"),
        (auths(ghcr_io=IN_FIELDS), WARNING, "docker reads them, podman does not"),
        (auths(ghcr_io=ID_TOKEN), NOTE, "identity token: docker and podman use it"),
        (auths(ghcr_io=TOKEN_AS_USER), WARNING, "belongs into identitytoken"),
        (keyed("docker.io"), WARNING, f"look Docker Hub up as {HUB}"),
        (keyed("registry-1.docker.io"), WARNING, f"look Docker Hub up as {HUB}"),
        (keyed(HUB), FINE, "the user me"),
        (keyed("*.example"), ERROR, "docker knows no wildcards"),
        (keyed("*.example", "credHelpers"), ERROR, "docker knows no wildcards"),
        (keyed("ghcr.io/team"), WARNING, "docker looks up hosts"),
        (keyed("https://ghcr.io/v1/"), FINE, "the user me"),
        (keyed("https://ghcr.io", "credHelpers"), WARNING, "the host alone"),
        ('{"auths": {"a.example": {}, "a.example": {}}}', WARNING, "stands twice"),
        ('{"credStore": "auto"}', WARNING, "credStore is no key of docker's"),
        (
            '{"CREDSSTORE": "x", "credsStore": "auto"}',
            WARNING,
            "credsstore stands twice",
        ),
        ('{"made-up": 1, "credsStore": "auto"}', NOTE, "made-up is no key"),
        (
            json.dumps({"credsStore": "auto", "auths": {"ghcr.io": GOOD}}),
            WARNING,
            "is not read: docker-credential-auto is asked instead",
        ),
        (
            json.dumps({"credHelpers": {"ghcr.io": "x"}, "auths": {"ghcr.io": GOOD}}),
            WARNING,
            "is not read: docker-credential-x is asked instead",
        ),
        (
            json.dumps({"credsStore": "auto", "auths": {"ghcr.io": {}}}),
            NOTE,
            "docker's mark for a login in credsStore",
        ),
        (keyed(f"me:{SECRET}@ghcr.io"), FINE, 'auths["ghcr.io"]'),
    ],
)
def test_docker(text: str, severity: Severity, said: str) -> None:
    tells("docker-config", text, severity, said)


STOPS = "helm and oras stop with an error"


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (auths(ghcr_io=GOOD), FINE, "the user me"),
        ("{", ERROR, "it is not JSON at line 1: helm cannot use it"),
        ("[]", ERROR, f"the file is no object: {STOPS}"),
        ("{}", ERROR, "no login and no helper"),
        (
            auths(ghcr_io={}),
            WARNING,
            "has no credential: helm and oras ask anonymously",
        ),
        (auths(ghcr_io=NEWLINE), ERROR, "newline behind the password"),
        (auths(ghcr_io=UNPADDED), ERROR, STOPS),
        (auths(ghcr_io=NO_COLON), ERROR, STOPS),
        (auths(ghcr_io=NO_BASE64), ERROR, STOPS),
        (auths(ghcr_io=5), ERROR, f'auths["ghcr.io"] is no object: {STOPS}'),
        (auths(ghcr_io={"auth": 5}), ERROR, 'auths["ghcr.io"].auth is no text'),
        (auths(ghcr_io=GOOD | {"email": 5}), FINE, "the user me"),
        (auths(ghcr_io={"AUTH": GOOD["auth"]}), FINE, "the user me"),
        ('{"auths": []}', ERROR, f"auths is no object: {STOPS}"),
        ('{"credHelpers": {"ghcr.io": 5}}', ERROR, 'credHelpers["ghcr.io"] is no text'),
        ('{"credsStore": true}', ERROR, "credsStore is no text"),
        (auths(ghcr_io=IN_FIELDS), NOTE, "username and password, and no auth"),
        (auths(ghcr_io=ID_TOKEN), NOTE, "an identity token, which is sent"),
        (auths(ghcr_io=TOKEN_AS_USER), WARNING, "belongs into identitytoken"),
        (keyed("docker.io"), WARNING, f"look Docker Hub up as {HUB}"),
        (keyed("*.example"), ERROR, "helm knows no wildcards"),
        (keyed("ghcr.io/team"), WARNING, "helm looks up hosts"),
        ('{"auths": {"a.example": {}, "a.example": {}}}', WARNING, "stands twice"),
        ('{"Auths": {}}', WARNING, "Auths is no auths: helm and oras take names as"),
        ('{"credStore": "auto"}', WARNING, "credStore is no key of helm's"),
        ('{"experimental": true, "credsStore": "auto"}', FINE, ""),
        (
            json.dumps({"credsStore": "auto", "auths": {"ghcr.io": GOOD}}),
            WARNING,
            "is not read: docker-credential-auto is asked instead",
        ),
        (
            json.dumps({"credHelpers": {"ghcr.io": ""}, "auths": {"ghcr.io": GOOD}}),
            FINE,
            "the user me",
        ),
    ],
)
def test_helm(text: str, severity: Severity, said: str) -> None:
    """test_beside_libraries.py compares this with oras-go, which helm and oras use."""
    if severity is FINE and not said:
        assert max((s for s, _ in found("helm", text)), default=FINE) < WARNING
    else:
        tells("helm", text, severity, said)


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (auths(ghcr_io=GOOD), FINE, "the user me"),
        (keyed("ghcr.io/team"), FINE, "the user me"),
        (auths(ghcr_io=ID_TOKEN | TOKEN_AS_USER), NOTE, "which podman uses"),
        (auths(ghcr_io=ID_TOKEN), ERROR, "passes over what it has (identitytoken)"),
        ('{"credsStore": "auto", "auths": {}}', WARNING, "credsStore (auto) is passed"),
        (keyed("ghcr.io/team", "credHelpers"), WARNING, "asks helpers by host"),
        (
            auths(ghcr_io=IN_FIELDS),
            ERROR,
            "passes over what it has (password, username)",
        ),
        (auths(ghcr_io={}), WARNING, "asks anonymously, and looks no further"),
        (auths(ghcr_io=NEWLINE), ERROR, "the registry refuses it"),
        (auths(ghcr_io=UNPADDED), ERROR, "podman stops with an error"),
        (auths(ghcr_io=NO_COLON), ERROR, "podman asks anonymously"),
        (keyed("*.example"), ERROR, "podman knows no wildcards"),
        (keyed("https://ghcr.io/team"), WARNING, "stands for all of ghcr.io"),
        (keyed("ghcr.io/team/app:1"), WARNING, "names without tag"),
        ("{}", ERROR, "no login and no helper"),
    ],
)
def test_podman(text: str, severity: Severity, said: str) -> None:
    tells("containers-auth", text, severity, said)


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (auths(ghcr_io=GOOD), FINE, "the user me"),
        (auths(ghcr_io=GOOD, r_example={}), ERROR, "refuses the whole file"),
        (auths(ghcr_io=IN_FIELDS), ERROR, "refuses the whole file"),
        (auths(ghcr_io=ID_TOKEN), ERROR, "refuses the whole file"),
        ('{"credHelpers": {}}', ERROR, "auths is not there"),
        (auths(ghcr_io=UNPADDED), ERROR, "without its padding"),
        (auths(ghcr_io=NO_COLON), ERROR, "user:password"),
        (auths(ghcr_io=NEWLINE), WARNING, "image-rs cuts it off, others do not"),
        (auths(ghcr_io=TOKEN_AS_USER), ERROR, "user and password alone"),
        (auths(ghcr_io=GOOD | IN_FIELDS), NOTE, "password is passed over"),
        (
            json.dumps(
                {"auths": {"docker.io": GOOD, "https://index.docker.io/v1/": GOOD}}
            ),
            ERROR,
            "docker.io stands under 2 keys",
        ),
        (
            json.dumps({"auths": {"ghcr.io": GOOD}, "credsStore": "x"}),
            WARNING,
            "credsStore is passed over",
        ),
    ],
)
def test_a_confidential_guest(text: str, severity: Severity, said: str) -> None:
    tells("containers-auth", text, severity, said, "coco")


OLD = "kubernetes.io/dockercfg"


def in_data(encoded: str, key: str = ".dockerconfigjson", kind: str = "") -> str:
    made = json.loads(secret("", kind or "kubernetes.io/dockerconfigjson"))
    return json.dumps(made | {"data": {key: encoded}})


def named(**metadata: object) -> str:
    made = json.loads(secret(auths(ghcr_io=GOOD)))
    return json.dumps(made | {"metadata": metadata})


def secret(payload: str, kind: str = "kubernetes.io/dockerconfigjson", **meta) -> str:
    return json.dumps(
        {
            "kind": "Secret",
            "type": kind,
            "metadata": {"name": "regcred", "annotations": meta},
            "data": {".dockerconfigjson": b64(payload)},
        }
    )


def ending(moment: str) -> str:
    return secret(auths(ghcr_io=GOOD), **{"dockcred/expires-at": moment})


YAML = """\
kind: Secret
metadata: {{name: x}}
type: kubernetes.io/dockerconfigjson
stringData:
  .dockerconfigjson: '{}'
"""


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (secret(auths(ghcr_io=GOOD)), FINE, "the user me"),
        (auths(ghcr_io=GOOD), FINE, "the user me"),
        (secret(auths(ghcr_io=IN_FIELDS)), FINE, "the user me"),
        (secret(auths(ghcr_io=ID_TOKEN)), WARNING, "identitytoken is passed over"),
        (secret('{"credsStore": "auto"}'), WARNING, "credsStore is passed over"),
        (secret('{"credHelpers": {"a": "b"}}'), ERROR, "kubelet pulls anonymously"),
        (secret(auths(ghcr_io=NO_COLON)), ERROR, "cannot use the whole Secret"),
        (secret(auths(ghcr_io=UNPADDED)), NOTE, "kubelet takes it"),
        (secret(auths(ghcr_io=NEWLINE)), ERROR, "the registry refuses it"),
        (
            secret(auths(ghcr_io={"username": "me", "password": f"{SECRET}\n"})),
            ERROR,
            "the registry refuses it",
        ),
        (secret(auths(ghcr_io=TOKEN_AS_USER)), ERROR, "as user and password"),
        (secret(keyed("*.azurecr.io")), ERROR, "every registry of that domain"),
        (secret(keyed("*.corp.example")), NOTE, "every host that it matches"),
        (secret(auths(ghcr_io=GOOD), "Opaque"), ERROR, "has the type Opaque"),
        (ending("2020-01-01T00:00:00Z"), ERROR, "its credential ended at 2020"),
        (ending("2999-01-01T00:00:00Z"), FINE, "good until 2999"),
        (ending("never"), NOTE, "is no time"),
        # Kubernetes' own code does the same: see test_beside_kubelet.py.
        (
            in_data(b64(json.dumps({"ghcr.io": GOOD})), ".dockercfg", OLD),
            FINE,
            "user me",
        ),
        (secret(auths(ghcr_io=GOOD), OLD), ERROR, "has no .dockercfg"),
        (
            in_data(base64.encodebytes(auths(ghcr_io=GOOD).encode()).decode()),
            FINE,
            "me",
        ),
        (in_data("!"), ERROR, "is not base64: the API server refuses it"),
        (
            secret(auths(ghcr_io={"auth": base64.encodebytes(b"me:pw").decode()})),
            FINE,
            "me",
        ),
        (secret(auths(ghcr_io={"AUTH": AUTH})), FINE, "the user me"),
        (secret(auths(ghcr_io=GOOD) + " " * 1024 * 1024), ERROR, "a Secret may hold"),
        (
            secret(auths(ghcr_io=GOOD) + " " * 300_000),
            NOTE,
            "too large for `kubectl apply`",
        ),
        (named(name="Reg"), ERROR, "is no name of a Secret: the API server refuses it"),
        (named(), ERROR, "it has no name"),
        (named(name="a", annotations={"a": "x" * 300_000}), ERROR, "its annotations"),
        (named(name="a", labels={"a": "b c"}), ERROR, "has no label's value"),
        (secret(keyed("GHCR.io")), WARNING, "is found for no image"),
        (secret(keyed("registry-1.docker.io")), WARNING, "is found for no image"),
        (secret(keyed("ghcr.io/team/app:1")), WARNING, "is found for no image"),
        (secret(keyed("ghcr.io:port")), WARNING, "is no address"),
        (secret(auths(a=GOOD, b={"email": 5})), ERROR, 'auths["b"].email is no text'),
        (secret('{"HttpHeaders": {"X": 5}}'), ERROR, 'HttpHeaders["X"] is no text'),
        ('{"kind": "List"}', ERROR, "a list of no Secrets"),
        ("kind: Secret\ndata: [", ERROR, "it is not YAML at line"),
        ("a word", ERROR, "it is no manifest"),
        (
            YAML.format(auths(ghcr_io=GOOD)),
            FINE,
            "the user me",
        ),
        ('{"kind": "Pod"}', ERROR, "it is no Secret"),
        ('{"kind": "Secret"}', ERROR, "no .dockerconfigjson that can be decoded"),
        (
            json.dumps({"kind": "List", "items": [json.loads(secret("{}"))]}),
            ERROR,
            "it has no login",
        ),
    ],
)
def test_kubelet(text: str, severity: Severity, said: str) -> None:
    tells("kubernetes-secret", text, severity, said)


def test_no_secret_is_rendered_that_the_api_server_refuses() -> None:
    logins = [
        Login(f"r{number}.example", Credential("me", SECRET * 1000))
        for number in range(60)
    ]
    with pytest.raises(InvalidInputError, match="more than a Secret may hold"):
        formats.render("kubernetes-secret", logins)
    formats.render("kubernetes-secret", logins[:10])


PEM = trustme.CA().cert_pem.bytes().decode()


def table(host: str, line: str = f'auth = "{AUTH}"') -> str:
    return f'[registries."{host}"]\n{line}\n'


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (table("ghcr.io."), FINE, "the user me"),
        (table("index.docker.io."), FINE, "the user me"),
        (table("ghcr.io.", f"ca-certs = '''{PEM}'''"), NOTE, "anonymously"),
        (table("ghcr.io"), NOTE, "no dot at its end"),
        (
            f'[registries.ghcr.io]\nauth = "{AUTH}"',
            ERROR,
            "registries.ghcr.io is not quoted",
        ),
        ("[registries.ghcr.io.]", ERROR, "it is not TOML at line 1"),
        (table("."), WARNING, "for every registry that no other"),
        (table(".corp.example."), NOTE, "every host below it"),
        (table("azurecr.io."), ERROR, "every registry of that domain"),
        (table("com."), ERROR, "every registry of that domain"),
        (table("10.0.0.1"), ERROR, "is an address"),
        (table("GHCR.io."), ERROR, "hosts are in lower case"),
        (table("ghcr.io/team."), ERROR, "a key is a host"),
        (table("registry-1.docker.io."), WARNING, "as index.docker.io"),
        (table("r.example:5000."), WARNING, "has a port"),
        (table("ghcr.io.", "auht = ''"), WARNING, "auht is no key of Contrast's"),
        (table("ghcr.io.", "AUTH = ''"), NOTE, "Contrast pulls anonymously"),
        (table("ghcr.io.", "auth = 1"), ERROR, "auth is no str: Contrast refuses"),
        (table("ghcr.io.", "ca-certs = 'none'"), ERROR, "holds no certificate"),
        (
            table("ghcr.io.", f"auth = '{AUTH}'\ninsecure-skip-verify = true"),
            WARNING,
            "whoever answers",
        ),
        (
            table("ghcr.io.", f"username='me'\npassword='{SECRET}'"),
            NOTE,
            "not documented",
        ),
        (table("ghcr.io.", f"identitytoken = '{SECRET}'"), NOTE, "not documented"),
        (table("ghcr.io.", f"auth = '{NEWLINE['auth']}'"), ERROR, "refuses it"),
        (
            table("ghcr.io.", f"auth = '{TOKEN_AS_USER['auth']}'"),
            ERROR,
            "identitytoken",
        ),
        (table("a.corp.") + "\n" + table("a.corp"), WARNING, "as many labels"),
        (table("a.corp.") + "\n" + table(".corp."), WARNING, "as many labels"),
        ('[extra-env]\nLD_PRELOAD = "x"\n' + table("ghcr.io."), WARNING, "LD_PRELOAD"),
        ("[registry]", WARNING, "registry is no key"),
        ("registries = 1", ERROR, "registries is no table"),
        ("registries.a = 1", ERROR, "is no table"),
        ("", ERROR, "it has no registry"),
    ],
)
def test_contrast(text: str, severity: Severity, said: str) -> None:
    tells("contrast-toml", text, severity, said)
    manifest = {
        "kind": "Secret",
        "metadata": {"name": "x"},
        "data": {"contrast-imagepuller.toml": b64(text)},
    }
    if text and "TOML" not in said:
        tells("contrast-secret", json.dumps(manifest), severity, said)


@pytest.mark.parametrize("text, starts, said", VECTORS)
def test_kubelets_own_config(text: str, starts: bool, said: str) -> None:
    tells("kubelet-config", text, FINE if starts else ERROR, said)


def test_kubelets_own_config_as_it_is_rendered() -> None:
    text = kubelet.config(["registry.example:5000", *kubelet.CLOUDS])
    tells("kubelet-config", text, FINE, "dockcred-credential-provider")


def shell(config: str) -> str:
    return f"export DOCKER_AUTH_CONFIG='{config}'\n"


@pytest.mark.parametrize(
    "config, severity, said",
    [
        (auths(ghcr_io=GOOD), FINE, "the user me"),
        (auths(ghcr_io=GOOD | IN_FIELDS), ERROR, "username: docker passes over all"),
        (auths(ghcr_io={}), ERROR, "passes over all of DOCKER_AUTH_CONFIG"),
        (auths(ghcr_io=NO_COLON), ERROR, "passes over all of DOCKER_AUTH_CONFIG"),
        (auths(ghcr_io=NEWLINE), ERROR, "the registry refuses it"),
        (auths(ghcr_io=TOKEN_AS_USER), ERROR, "a user and a password"),
        ('{"credsStore": "auto"}', ERROR, "credsStore: docker passes over all"),
        ("{", ERROR, "it is not JSON"),
    ],
)
def test_variables(config: str, severity: Severity, said: str) -> None:
    tells("env", shell(config), severity, said)
    tells("env", f"DOCKER_AUTH_CONFIG={config}\n", severity, said)


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (f"REGISTRY_PASSWORD={SECRET}", FINE, "REGISTRY_PASSWORD is set"),
        (f"OTHER={SECRET}", NOTE, "OTHER is none of ours"),
        ("", ERROR, "sets neither"),
        ("export A='", ERROR, "no file of variables"),
    ],
)
def test_other_variables(text: str, severity: Severity, said: str) -> None:
    everything = found("env", text)
    assert any(s is severity and said in t for s, t in everything), everything


def variable(**items: object) -> str:
    full = {"server_address": "ghcr.io", "username": "me", "password": SECRET}
    return json.dumps({"Items": {**full, **items}})


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (variable(), FINE, "the user me"),
        (variable(port=5000), ERROR, "port is no text"),
        (variable(password=""), ERROR, "password is not there"),
        (variable(password=f"{SECRET}\n"), ERROR, "ends in a newline"),
        (variable(username="<token>"), ERROR, "identity token"),
    ],
)
def test_nomad(text: str, severity: Severity, said: str) -> None:
    tells("nomad", text, severity, said)


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (SECRET, FINE, "there is a password"),
        (f"{SECRET}\n", NOTE, "ends in a newline"),
        (f"{SECRET}\n\n", ERROR, "more than one line"),
        ("\n", ERROR, "there is no password"),
        (" ", FINE, "there is a password"),
    ],
)
def test_a_password(text: str, severity: Severity, said: str) -> None:
    tells("password", text, severity, said)


@pytest.mark.parametrize(
    "text, severity, said",
    [
        (f"me:{SECRET}", FINE, "the user me"),
        (f"me:{SECRET}\n", NOTE, "ends in a newline"),
        (f"me:{SECRET}\nmore", ERROR, "more than one line"),
        (f"<token>:{SECRET}", ERROR, "identity token"),
        (SECRET, ERROR, "not user:password"),
    ],
)
def test_a_pair(text: str, severity: Severity, said: str) -> None:
    tells("argocd", text, severity, said)
    tells("user-pass", text, severity, said)
