"""Compare what we say of a pull Secret with what Kubernetes' own code does.

The API server's decoding and validation, and kubelet's keyring (tests/oracles/kubelet).
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from support import oracles

from dockcred.clients import formats, kubernetes
from dockcred.clients.findings import Finding, Severity, shown
from dockcred.errors import InvalidInputError

hypothesis = pytest.importorskip("hypothesis")
st = hypothesis.strategies

JSON, OLD = "kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"
REFUSES = "the API server refuses it"
PULLS_NOTHING = "kubelet cannot use"
ANONYMOUS = "has no credential"

Ask = Callable[[object], dict[str, Any]]


@pytest.fixture(scope="module")
def ask() -> Iterator[Ask]:
    with oracles.conversation("kubelet") as asked:
        yield asked


def b64(text: str | bytes) -> str:
    data = text if isinstance(text, bytes) else text.encode()
    return base64.b64encode(data).decode()


def secret(payload: str | bytes, kind: str = JSON, key: str = "", **more: Any) -> Any:
    key = key or {OLD: ".dockercfg"}.get(kind, ".dockerconfigjson")
    made: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "metadata": {"name": "regcred"},
        "data": {key: b64(payload)},
    }
    return made | more


def told(manifest: object) -> list[Finding]:
    return formats.check("kubernetes-secret", json.dumps(manifest).encode())


def says(findings: list[Finding], words: str) -> bool:
    return any(f.severity is Severity.ERROR and words in f.text for f in findings)


def compare(ask: Ask, manifest: Any, image: str = "", key: str = "") -> str | None:
    """Compare `check` and our reader with Kubernetes; return the kind of case."""
    theirs, ours = ask({"secret": manifest, "image": image}), told(manifest)
    worst = max(finding.severity for finding in ours)
    if theirs["refused"]:
        assert worst is Severity.ERROR, (theirs, ours)
        return "refused"
    assert not says(ours, REFUSES), ours
    assert says(ours, PULLS_NOTHING) == bool(theirs["error"]), (theirs, ours)
    if theirs["error"]:
        return "unusable"
    if manifest["type"] not in {JSON, OLD}:
        assert not theirs["logins"]
        assert says(ours, "passes it over"), ours
        return "another type"
    if not key:
        return None
    old = manifest["type"] == OLD
    payload = base64.b64decode(
        manifest["data"][".dockercfg" if old else ".dockerconfigjson"]
    )
    taken = {entry.key: entry.auth for entry in kubernetes.read(payload, old=old)[0]}
    auth = taken[key]
    found = _login(auth.username, auth.password) in [
        _login(each["username"], each["secret"]) for each in theirs["logins"] or ()
    ]
    never = any(
        f'["{shown(key)}"]' in f.text
        and f.severity is Severity.WARNING
        and ("for no image" in f.text or "passes it over" in f.text)
        for f in ours
    )
    assert found != never, (theirs, ours)
    anonymous = any(f'["{shown(key)}"]' in f.text and ANONYMOUS in f.text for f in ours)
    assert anonymous == (not auth.username and not auth.password), ours
    return "not found" if never else None


def _login(username: str, password: str) -> tuple[str, ...]:
    """Join replacement characters: Go writes one per invalid byte, Python fewer."""
    return tuple(re.sub("\ufffd+", "\ufffd", text) for text in (username, password))


GOOD = json.dumps({"auths": {"ghcr.io": {"auth": b64("me:pw")}}})
OLD_GOOD = json.dumps({"ghcr.io": {"auth": b64("me:pw")}})


def with_data(value: object) -> Any:
    return secret("", data={".dockerconfigjson": value})


def entry(**fields: object) -> Any:
    return secret(json.dumps({"auths": {"ghcr.io": fields}}))


def folded(text: str) -> str:
    return "\n".join(text[at : at + 8] for at in range(0, len(text), 8)) + "\n"


LONG = "x" * 64
SECRETS = {
    "good": secret(GOOD),
    "of the old type": secret(OLD_GOOD, OLD),
    "of the old type, in the new form": secret(GOOD, OLD),
    "of the new type, in the old form": secret(OLD_GOOD),
    "of the old type under the new key": secret(OLD_GOOD, OLD, ".dockerconfigjson"),
    "Opaque": secret(GOOD, "Opaque"),
    "data with line ends": with_data(folded(b64(GOOD))),
    "data with CR LF": with_data(folded(b64(GOOD)).replace("\n", "\r\n")),
    "data with a blank": with_data(b64(GOOD) + " "),
    "data without padding": with_data(b64(GOOD + " ").rstrip("=")),
    "data as it is": with_data(GOOD),
    "data that is a number": with_data(5),
    "data that is null": with_data(None),
    "no data": secret("", data={}),
    "stringData": secret("", data={}, stringData={".dockerconfigjson": GOOD}),
    "auth with line ends": entry(auth=folded(b64("me:password"))),
    "auth with a blank": entry(auth=b64("me:password") + " "),
    "auth without padding": entry(auth=b64("me:passw").rstrip("=")),
    "auth half padded": entry(auth=b64("me:passw").removesuffix("=")),
    "auth without a colon": entry(auth=b64("mepassword")),
    "auth and fields": entry(auth=b64("me:pw"), username="you", password="p"),
    "names in capitals": entry(USERNAME="me", Password="pw"),
    "a long s": entry(uſername="me", paſſword="pw"),
    "a sharp s": entry(username="me", paßword="pw"),
    "a name of another type": entry(username=5, password="pw"),
    "an identity token of another type": entry(auth=b64("me:pw"), identitytoken=5),
    "an email of another type": entry(auth=b64("me:pw"), email=[]),
    "an entry that is null": secret('{"auths": {"ghcr.io": null}}'),
    "an entry that is a text": secret('{"auths": {"ghcr.io": "x"}}'),
    "auths that are null": secret('{"auths": null}'),
    "auths that are a list": secret('{"auths": []}'),
    "auths twice": secret(
        '{"auths": {"a.example": {}}, "AUTHS": {"ghcr.io": {"auth": "bWU6cHc="}}}'
    ),
    "headers that are none": secret('{"auths": {}, "HttpHeaders": {"a": 1}}'),
    "headers that are a list": secret('{"auths": {}, "httpheaders": []}'),
    "null": secret("null"),
    "a byte order mark": secret("\ufeff" + GOOD),
    "UTF-16": secret(GOOD.encode("utf-16")),
    "no UTF-8": secret(GOOD.replace("ghcr", "gh\xff").encode("latin-1")),
    "NaN": secret('{"auths": {}, "x": NaN}'),
    "a comma too many": secret('{"auths": {},}'),
    "1 MiB": secret(GOOD + " " * (1024 * 1024 - len(GOOD))),
    "1 MiB and a byte": secret(GOOD + " " * (1024 * 1024 - len(GOOD) + 1)),
    "1.35 MB": secret(GOOD + " " * 1_350_000),
    "a name in capitals": secret(GOOD, metadata={"name": "RegCred"}),
    "a name with _": secret(GOOD, metadata={"name": "reg_cred"}),
    "a name of 253": secret(GOOD, metadata={"name": "a" * 253}),
    "a name of 254": secret(GOOD, metadata={"name": "a" * 254}),
    "a label of 64 in a name": secret(GOOD, metadata={"name": f"{LONG}.a"}),
    "no name": secret(GOOD, metadata={}),
    "a name to be made": secret(GOOD, metadata={"generateName": "reg-"}),
    "a namespace with a dot": secret(GOOD, metadata={"name": "a", "namespace": "a.b"}),
    "a namespace of 64": secret(GOOD, metadata={"name": "a", "namespace": LONG}),
    "an annotation": secret(
        GOOD, metadata={"name": "a", "annotations": {"A.b/C_d": ""}}
    ),
    "an annotation of no name": secret(
        GOOD, metadata={"name": "a", "annotations": {"a/": ""}}
    ),
    "two slashes": secret(GOOD, metadata={"name": "a", "annotations": {"a/b/c": ""}}),
    "annotations of 256 KiB": secret(
        GOOD, metadata={"name": "a", "annotations": {"a": "x" * (256 * 1024 - 1)}}
    ),
    "annotations of more": secret(
        GOOD, metadata={"name": "a", "annotations": {"a": "x" * 256 * 1024}}
    ),
    "a label's value": secret(GOOD, metadata={"name": "a", "labels": {"a": "b.C_d"}}),
    "a label's value of 64": secret(
        GOOD, metadata={"name": "a", "labels": {"a": LONG}}
    ),
    "a label's value with a blank": secret(
        GOOD, metadata={"name": "a", "labels": {"a": "b c"}}
    ),
    "a key with a slash": secret(
        GOOD, data={"a/b": "", ".dockerconfigjson": b64(GOOD)}
    ),
    "a key of dots": secret(GOOD, data={"..": "", ".dockerconfigjson": b64(GOOD)}),
    "immutable": secret(GOOD, immutable=True),
    "immutable by word": secret(GOOD, immutable="true"),
    "a type that is a number": secret(GOOD) | {"type": 5},
}


@pytest.mark.parametrize("what", SECRETS)
def test_a_secret_is_what_kubernetes_makes_of_it(ask: Ask, what: str) -> None:
    compare(ask, SECRETS[what], "ghcr.io/team/app")


HOSTS = (
    *("ghcr.io", "r.example:5000", "R.Example", "docker.io", "index.docker.io"),
    *("registry-1.docker.io", "10.0.0.1:5000", "me@r.example", "r.example:port"),
    *("a b.example", "r_example", "a.*.example", "a..example", "r.example:"),
)
PATHS = ("", "/", "/v1/", "/v2/", "/v1", "/v2", "/team", "/team/", "/v2/team")
PATHS += ("/team/app:1", "/te", "/team/%41", "/%zz", "/team?x", "#x")


def image_for(host: str, path: str) -> str:
    host = host.rpartition("@")[2].lower().replace("*", "b").rstrip(":")
    if "docker.io" in host:
        host = "docker.io"
    at = "/team/app" if "te" in path else "/app"
    return host + at.replace("app", "A" if "%41" in path else "app")


auths = st.one_of(
    st.just(b64("me:pw")),
    st.builds(
        lambda user, word: b64(f"{user}:{word}"),
        st.text(max_size=4),
        st.text(max_size=6),
    ),
    st.binary(max_size=12).map(b64),
    st.builds(
        lambda text, at, more: text[:at] + more + text[at:],
        st.binary(max_size=9).map(lambda data: b64(b"u:" + data)),
        st.integers(0, 12),
        st.sampled_from(("\n", "\r\n", " ", "=", "-", "\t", "\n=", "==", "é")),
    ),
    st.builds(
        lambda data, cut: b64(b"u:" + data)[: -cut or None],
        st.binary(max_size=9),
        st.integers(0, 3),
    ),
)
words = st.one_of(
    auths, st.none(), st.sampled_from(("", "me", "pw\n", "<token>", 5, []))
)
names = st.sampled_from(
    (
        "auth",
        "Auth",
        "username",
        "UserName",
        "u\u017fername",
        "password",
        "PASSWORD",
        "email",
        "identitytoken",
    )
)
members = st.lists(st.tuples(names, words), max_size=4)
good = st.builds(lambda auth: [("auth", auth)], auths)
keys = st.tuples(
    st.sampled_from(("", "", "https://", "http://", "HTTPS://")),
    st.sampled_from(HOSTS),
    st.sampled_from(PATHS),
)


def written(pairs: list[tuple[str, str]]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {text}" for name, text in pairs) + "}"


@pytest.mark.slow
def test_generated_secrets(ask: Ask, side_by_side) -> None:
    def one(old: bool, key: Any, fields: Any, other: Any, table: str) -> str | None:
        scheme, host, path = key
        name = f"{scheme}{host}{path}"
        entry = written([(field, json.dumps(word)) for field, word in fields])
        entries = [(name, entry)]
        if other is not None:
            entries.insert(
                0, ("z.example", written([(f, json.dumps(w)) for f, w in other]))
            )
        payload = written(entries)
        if not old:
            payload = written([(table, payload)])
        manifest = secret(payload, OLD if old else JSON)
        is_read = old or table.lower() == "auths"
        return compare(ask, manifest, image_for(host, path), name if is_read else "")

    side_by_side(
        one,
        st.booleans(),
        keys,
        st.one_of(good, good, members),
        st.one_of(st.none(), st.none(), good, members),
        st.sampled_from(("auths", "auths", "Auths", "auth")),
        shows=lambda ends: {"alike", "unusable", "not found"} <= ends.keys(),
    )


@pytest.mark.slow
def test_generated_payloads(ask: Ask, side_by_side) -> None:
    """Whatever the file holds: `check` reports what kubelet cannot read."""
    values = st.recursive(
        st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=3)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=2),
            st.dictionaries(
                st.sampled_from(("auths", "HttpHeaders", "AUTHS", "x")),
                inner,
                max_size=3,
            ),
        ),
        max_leaves=6,
    )

    def one(value: object, old: bool, cut: int) -> str | None:
        text = json.dumps(value, ensure_ascii=False)
        return compare(ask, secret(text[: len(text) - cut], OLD if old else JSON))

    side_by_side(
        *(one, values, st.booleans(), st.sampled_from((0, 0, 0, 1))),
        shows=lambda ends: {"refused", "unusable"} <= ends.keys(),
    )


def test_a_file_alone_is_read_by_the_same_rules() -> None:
    with pytest.raises(InvalidInputError):
        kubernetes.read(b"[]")


@pytest.mark.parametrize(
    "name",
    [
        *("1", "true", "yes", "-7", "0x10", "1.5", "2020-01-01", "~", "null", "'~'"),
        *("9223372036854775807", "9223372036854775808", "[a]", "{a: b}", ".inf", "? "),
    ],
)
def test_a_name_in_yaml_is_text_or_refused(ask, name):
    """JSON allows only strings as names: kubectl converts other values, or stops."""
    pytest.importorskip("yaml")
    manifest = (
        "{apiVersion: v1, kind: Secret, metadata: {name: regcred},"
        f" type: Opaque, data: {{{name}: aGk=}}}}"
    )
    refused = ask({"yaml": manifest, "image": "registry.example.com/a"})["refused"]
    found = formats.check("kubernetes-secret", manifest.encode())
    assert bool(refused) == any(
        says(found, words) for words in (REFUSES, "no text", "not YAML")
    )
