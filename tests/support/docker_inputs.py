"""Generated config.json and DOCKER_AUTH_CONFIG: what people, tools and accidents write."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import strategies as st

from dockcred.clients.docker.read import FIELDS
from dockcred.clients.go_json import List, Map
from dockcred.clients.reference import HUB_KEY
from support.docker_files import HOST, b64


class Members(list[tuple[str, Any]]):
    """A JSON object, in which a name may occur twice."""


def to_json(value: Any) -> str:
    """Return a value with Members as JSON; without \\u escapes if it is printable."""
    if isinstance(value, Members):
        return "{" + ",".join(f"{to_json(k)}:{to_json(v)}" for k, v in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(to_json, value)) + "]"
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)


HOSTS = (HOST, "r.example", "docker.io", "localhost:5000", "[::1]:5000", "dhi.io")
FORMS = (
    *("{}",) * 12,
    *("https://{}", "https://{}/v1/", "http://{}", "https://{}/v2/", "{}/", "{}/team"),
    *("HTTPS://{}", "oci://{}", "https://u@{}", "https://u:p@w@{}/", "https://u%@{}"),
    *("https://{}?x=y", "https://{}?", "https://{}#f", "https://{}#%zz", "{}#x://"),
    *("https://{}/%zz", "https://{}/%41", "https://{}?%zz", "https://%41{}", "//{}"),
    *("//{}/x://y", "///{}/x://y", "://{}", "ht tp://{}", "1http://{}", "https:{}/://"),
    *("https:/{}/://", "https://{}:", "https://{}x", "https://{} ", " https://{}"),
    *("https://{}\t", "https://[{}]", "https://a:{}", "oci://a:{}", "https://[::1]/{}"),
    *(
        "https://{}%2e",
        "https://{}%25",
        "https://\xfc@{}",
        "https://{}|",
        "https://{}/\xfc",
    ),
    *(
        "https://[fe80::1%25e]:5/{}",
        "https://[1.2.3.4]/{}",
        "{}.",
        " {}",
        "*",
        "{}/a/b",
    ),
)
HUBS = (
    *(HUB_KEY, "https://index.docker.io/v2/", "index.docker.io", "docker.io"),
    *("https://index.docker.io/v1", "registry-1.docker.io", "https://docker.io/v1/"),
)
_AUTHS = (
    *("bWU6cHctYQ==", "eW91OnB3LWI=") * 4,
    *("", "!", "bWU6cHc", "bWU6cHc==", "bWU6\r\ncHc=", "bWU6 cHc=", b64("mepw")),
    *(b64(":pw"), b64("me:"), b64("me:p:w"), b64("me:\0pw\0\0"), b64(b"me:\xff\xed")),
    *(
        b64("me:pw\n"),
        b64("<token>:id"),
        b64("\xfc:\u20ac"),
        "bWU6cHd\u017f",
        "bWU6cHcx====",
    ),
)
_DEEP = Members([("a", Members([("b", [[[[]]]])]))])
_LISTS = [], ["x"], [None, 1], Members(), Members([("x", "y")]), _DEEP
_ODD = st.sampled_from(
    [None, 0, -1.5e3, 10**400, True, "", "x", "\ud800", "\x7f\u2028", *_LISTS]
)
_HELPER = st.sampled_from(["x", "x", "token", "empty", "fails", "nobody", ""])


def _cased(name: str) -> st.SearchStrategy[str]:
    others = (name.upper(), name.capitalize(), name.swapcase(), f"{name}x", f" {name}")
    folds = (name.replace("s", "\u017f"), name.replace("k", "\u212a"))
    return st.sampled_from([name] * 12 + [*others, *folds])


def _members(
    *choices: st.SearchStrategy[tuple[str, Any]], least: int = 0, most: int
) -> st.SearchStrategy[Members]:
    return st.lists(st.one_of(*choices), min_size=least, max_size=most).map(Members)


def _mostly(usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 29).flatmap(lambda n: usual if n else _ODD)


_TEXTS = st.sampled_from(["me", "you", "pw-a", "", "\xfc", "a\nb"])
_AUTH = st.one_of(
    st.sampled_from(_AUTHS), st.binary(max_size=5).map(lambda b: b64(b"me:" + b))
)
_ENTRY = _members(
    *[st.tuples(_cased("auth"), _mostly(_AUTH))] * 4,
    *(
        st.tuples(_cased(name), _mostly(_TEXTS))
        for name in ("username", "password", "identitytoken", "registrytoken", "email")
    ),
    least=1,
    most=3,
)
_OTHERS = st.builds(str.format, st.sampled_from(FORMS), st.sampled_from(HOSTS))


def _keys(host: str) -> st.SearchStrategy[str]:
    """Generate keys of `auths`, most of them for this host."""
    own = FORMS if host != "docker.io" else (*HUBS, HUB_KEY, HUB_KEY, *FORMS[11:])
    meant = st.builds(str.format, st.sampled_from(own), st.just(host))
    return st.one_of(meant, meant, meant, _OTHERS, st.sampled_from(HUBS))


def _right(kind: Any) -> Any:
    """Return a value of the type that docker expects for a field."""
    if isinstance(kind, List):
        return [_right(kind.of)]
    if isinstance(kind, Map):
        return Members([("default", _right(kind.of))])
    return Members() if isinstance(kind, dict) else "x"


_REST = st.sampled_from(sorted(set(FIELDS) - {"auths", "credHelpers", "credsStore"}))
_FEW = st.integers(0, 9).flatmap(lambda n: _ODD if n == 0 else st.just("x"))


def files(host: str) -> st.SearchStrategy[bytes]:
    """Generate texts of config.json, most of which have an entry for this host."""
    auths = _mostly(_members(st.tuples(_keys(host), _mostly(_ENTRY)), least=1, most=3))
    helped = HUB_KEY if host == "docker.io" else host
    helper = st.tuples(
        st.sampled_from((helped, helped, *HOSTS, *HUBS)), _mostly(_HELPER)
    )
    rest = st.one_of(
        st.tuples(_cased("credHelpers"), _mostly(_members(helper, most=3))),
        st.tuples(_cased("credsStore"), _mostly(_HELPER)),
        st.tuples(_REST.flatmap(_cased), _FEW),
        _REST.map(lambda name: (name, _right(FIELDS[name]))),
        st.tuples(st.text(max_size=3), _ODD),
    )
    tables = st.lists(st.tuples(_cased("auths"), auths), min_size=1, max_size=2)
    return documents(
        st.builds(
            lambda found, others, first: Members(
                [*others[:first], *found, *others[first:]]
            ),
            tables,
            st.one_of(*[st.just([])] * 3, st.lists(rest, max_size=2)),
            st.integers(0, 2),
        )
    )


_BEFORE = (*(b"",) * 60, b" \n", b"\xef\xbb\xbf", b"\0", b"// mine\n", b"[")
_BEHIND = (*(b"",) * 30, b"\n", b"x", b" {}", b"]", b"}", b"\0", b"\n// end", b"\xff")


def _encoded(value: Any, before: bytes, behind: bytes, cut: int, code: str) -> bytes:
    data = to_json(value).encode(code)
    return before + (data[:-cut] if cut else data) + behind


def documents(content: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Generate JSON texts; some have extra text around them, are cut, or are UTF-16."""
    return st.builds(
        _encoded,
        _mostly(content),
        st.sampled_from(_BEFORE),
        st.sampled_from(_BEHIND),
        st.sampled_from([0] * 40 + [1, 2, 7]),
        st.sampled_from(["utf-8"] * 60 + ["utf-16", "utf-16-le"]),
    )


_CODED = _members(
    *[st.tuples(_cased("auth"), _mostly(st.sampled_from(_AUTHS[:10])))] * 8,
    st.tuples(st.sampled_from(("username", "email", "x")), _ODD),
    least=1,
    most=2,
)


def variables(host: str) -> st.SearchStrategy[bytes]:
    """Generate values of DOCKER_AUTH_CONFIG; b"" means that it is not set."""
    auths = _mostly(_members(st.tuples(_keys(host), _CODED), least=1, most=2))
    more = st.tuples(st.sampled_from(("credsStore", "x")), _ODD)
    content = _members(*[st.tuples(_cased("auths"), auths)] * 8, more, least=1, most=2)
    text = documents(content).filter(lambda data: b"\0" not in data)
    return st.one_of(st.just(b""), text)


QUESTIONS = st.sampled_from((*HOSTS, *HOSTS[:3])).flatmap(
    lambda host: st.tuples(files(host), variables(host), st.just(host))
)
"""Triples: a config.json, a value of DOCKER_AUTH_CONFIG, and the registry asked for."""
