"""config.json files and DOCKER_AUTH_CONFIG values as docker's users have them.

The tests of every client that reads them use these.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

from dockcred.clients.reference import HUB_KEY

HOST = "r.example:5000"


def b64(text: str | bytes) -> str:
    return base64.b64encode(text.encode() if isinstance(text, str) else text).decode()


A, B = {"auth": b64("me:pw-a")}, {"auth": b64("you:pw-b")}


def one(name: str, entry: object = A, **more: object) -> dict[str, Any]:
    return {"auths": {name: entry}} | more


CORPUS: dict[str, object] = {
    "nothing": b"",
    "blanks": b" \n\t\r\n",
    "null": b"null",
    "a list": b"[]",
    "a text": b'"x"',
    "no object": {},
    "plain": one(HOST),
    "a byte-order mark": b"\xef\xbb\xbf" + json.dumps(one(HOST)).encode(),
    "UTF-16": json.dumps(one(HOST)).encode("utf-16"),
    "UTF-16 without a mark": json.dumps(one(HOST)).encode("utf-16-le"),
    "half a file": json.dumps(one(HOST)).encode()[:-1],
    "two objects": json.dumps(one(HOST)).encode() + b"{",
    "text behind it": json.dumps(one(HOST)).encode() + b"\n// end",
    "a comment": b"// mine\n" + json.dumps(one(HOST)).encode(),
    "a last comma": b'{"auths": {"r.example:5000": {"auth": "bWU6cHc="},}}',
    "NaN": b'{"a": NaN, "auths": {"r.example:5000": {"auth": "bWU6cHc="}}}',
    "a long number": b'{"a": ' + b"9" * 5000 + b', "credsStore": "x"}',
    "a NUL behind it": json.dumps(one(HOST)).encode() + b"\0",
    "bytes that are no UTF-8": b'{"\xff": "\xfe", "auths": {"r.example:5000": '
    b'{"username": "\xff\xed\xa0\x80", "password": "\\ud800x"}}}',
    "experimental": one(HOST, experimental=True),
    "experimental in quotes": one(HOST, experimental="enabled"),
    "features": one(HOST, features={"buildkit": True}),
    "features in quotes": one(HOST, features={"buildkit": "true"}),
    "a header that is none": one(HOST, HttpHeaders={"X": 5}),
    "plugins": one(HOST, plugins={"x": {"y": False}}),
    "plugins without a table": one(HOST, plugins={"x": "y"}),
    "filters": one(HOST, pruneFilters="label=x"),
    "a filter that is null": one(HOST, pruneFilters=[None, "x"]),
    "a filter that is a number": one(HOST, pruneFilters=[1]),
    "proxies": one(HOST, proxies={"default": {"httpProxy": 1}}),
    "a proxy that docker does not know": one(HOST, proxies={"default": {"x": 1}}),
    "a path in detachKeys": one(HOST, detachKeys=None),
    "an unknown name of any type": one(HOST, anything={"at": [1, True]}),
    "fields, and a wrong type": one(
        HOST, {"username": "me", "password": "pw"}, psFormat=1
    ),
    "a token, and a wrong type": one(HOST, {"identitytoken": "t"}, psFormat=1),
    "a helper, and a wrong type": {"credHelpers": {HOST: "x"}, "psFormat": 1},
    "a store, and a wrong helper": {"credHelpers": {HOST: 5}, "credsStore": "x"},
    "a wrong store": one(HOST, credsStore=True),
    "a wrong entry": {"auths": {HOST: "x", "other": A}},
    "a wrong field": {"auths": {HOST: A | {"email": 5}}},
    "auths as a list": {"auths": [], "credsStore": "x"},
    "Auths": {"Auths": {HOST: {"AUTH": A["auth"]}}},
    "credSstore": {"credSstore": "x"} | one(HOST),
    "CREDHELPERS": {"CREDHELPERS": {HOST: "x"}},
    "a long s": {"cred\u017fStore": "x"},
    "a Kelvin sign": {"detach\u212aeys": 5} | one(HOST),
    "a host in another case": one(HOST.upper()),
    "auths twice": b'{"auths":{"r.example:5000":{"auth":"bWU6cHc="}},"AUTHS":{"o":{}}}',
    "auths, then null": b'{"auths":{"r.example:5000":{"auth":"bWU6cHc="}},"auths":null}',
    "an entry twice": b'{"auths":{"r.example:5000":{"auth":"bWU6cHc="},'
    b'"r.example:5000":{"username":"u"}}}',
    "auth twice": b'{"auths":{"r.example:5000":{"auth":"bWU6cHc=","Auth":"dTpw"}}}',
    "auth, then null": b'{"auths":{"r.example:5000":{"auth":"bWU6cHc=","auth":null}}}',
    "credsStore twice": b'{"credsStore":"x","CredsStore":"y"}',
    "credsStore, then null": b'{"credsStore":"x","credsstore":null}',
    "credHelpers twice": b'{"credHelpers":{"r.example:5000":"x"},"credhelpers":{"o":"y"}}',
    "an empty helper": {"credHelpers": {HOST: ""}, "credsStore": "x"} | one(HOST),
    "an empty helper, alone": {"credHelpers": {HOST: ""}} | one(HOST),
    "a null helper": {"credHelpers": {HOST: None}, "credsStore": "x"} | one(HOST),
    "a failing helper": one(HOST, credsStore="fails"),
    "a failing helper for it": one(HOST, credHelpers={HOST: "fails"}),
    "a helper that is missing": one(HOST, credsStore="nobody"),
    "a helper that has nothing": one(HOST, credsStore="empty"),
    "a helper, and a bearer token": one(
        HOST, {"registrytoken": "t"}, credsStore="empty"
    ),
    "a helper that has one": one(HOST, credsStore="x"),
    "a helper with a token": one(HOST, credsStore="token"),
    "Hub": one(HUB_KEY),
    "Hub under v2": one("https://index.docker.io/v2/"),
    "Hub without a slash": one("https://index.docker.io/v1"),
    "Hub by http": one("http://index.docker.io/v1/"),
    "Hub by host": one("index.docker.io"),
    "Hub by name": one("docker.io"),
    "Hub by its registry": one("registry-1.docker.io"),
    "two namespaces": {"auths": {f"{HOST}/team": A, f"{HOST}/other": B}},
    "two namespaces of one login": {"auths": {f"{HOST}/team": A, f"{HOST}/other": A}},
    "a namespace, and the host": {"auths": {f"{HOST}/team": A, HOST: B}},
    "two schemes, one of no text": {
        "auths": {f"https://{HOST}": {"auth": "bWU6gA=="}, f"http://{HOST}": B}
    },
    "two schemes, one of no text and one of nothing": {
        "auths": {f"https://{HOST}": {"auth": "bWU6gA=="}, f"http://{HOST}": None}
    },
    "two schemes": {"auths": {f"https://{HOST}": A, f"http://{HOST}": B}},
    "a scheme": one(f"https://{HOST}/v1/"),
    "a scheme and a user": one(f"https://u@{HOST}/v1/"),
    "an odd scheme": one(f"ht tp://{HOST}"),
    "two ports": one(f"https://{HOST}:5000/"),
    "two ports of an odd scheme": one(f"oci://a:{HOST}/"),
    "an IPv6 address": one("https://[::1]:5000/"),
    "a user that is none": one(f"https://u|@{HOST}/"),
    "an odd port": one(f"https://{HOST}x/"),
    "no scheme": one(f"://{HOST}"),
    "a query": one(f"https://{HOST}?a=b"),
    "an escape in a path": one(f"https://{HOST}/%zz"),
    "a blank in a URL": one(f"https://{HOST} /"),
    "the default port": one("https://r.example"),
    "a stub": one(HOST, {}),
    "null for an entry": one(HOST, None),
    "null for an entry beside a store": one(HOST, None, credsStore="x"),
    "an empty auth": one(HOST, {"auth": "", "username": "u", "password": "p"}),
    "auth over fields": one(HOST, A | {"username": "u", "password": "p"}),
    "fields alone": one(HOST, {"username": "u", "password": "p"}),
    "a user alone": one(HOST, {"username": "u"}),
    "identitytoken": one(HOST, A | {"identitytoken": "t"}),
    "registrytoken": one(HOST, {"registrytoken": "t"}),
    "a line end in auth": one(HOST, {"auth": "bWU6\r\ncHc="}),
    "a blank in auth": one(HOST, {"auth": "bWU6 cHc="}),
    "no padding": one(HOST, {"auth": "bWU6cHc"}),
    "too much padding": one(HOST, {"auth": "bWU6cHc=="}),
    "padding that none needs": one(HOST, {"auth": "bWU6cHcx===="}),
    "bits left over": one(HOST, {"auth": "bWU6cHd="}),
    "base64 for URLs": one(HOST, {"auth": b64("m?:~~~").replace("/", "_")}),
    "no colon": one(HOST, {"auth": b64("mepw")}),
    "no user": one(HOST, {"auth": b64(":pw")}),
    "no password": one(HOST, {"auth": b64("me:")}),
    "two colons": one(HOST, {"auth": b64("me:p:w")}),
    "NULs": one(HOST, {"auth": b64("me:\0pw\0\0")}),
    "no text": one(HOST, {"auth": b64(b"me:\xff\xfe\xed\xa0\x80")}),
    "a newline": one(HOST, {"auth": b64("me:pw\n")}),
    "a broken entry alone": one(HOST, {"auth": "!", "username": "u", "password": "p"}),
    "a broken entry beside": {"auths": {HOST: A, "other": {"auth": "!"}}},
    "a broken entry beside fields": {
        "auths": {HOST: {"username": "u", "password": "p"}, "other": {"auth": "!"}}
    },
    "a broken entry beside a token": {
        "auths": {HOST: {"identitytoken": "t"}, "other": {"auth": "!"}}
    },
    "a broken entry, and a helper": {
        "auths": {"other": {"auth": "!"}},
        "credHelpers": {HOST: "x"},
    },
    "two broken ones": {"auths": {HOST: A, "o": {"auth": "!"}, "p": {"auth": "bQ=="}}},
    "broken, and a wrong type": {"auths": {HOST: A, "o": {"auth": "!"}}, "psFormat": 1},
}
"""Texts of config.json: some after public reports, others written for these tests."""


A_VARIABLE = json.dumps(one(HOST))
VARIABLES = {
    "a login": A_VARIABLE,
    "another host's": json.dumps(one("other.example")),
    "a key with a scheme": json.dumps(one(f"https://{HOST}")),
    "names in any case": A_VARIABLE.replace("auths", "AUTHS").replace(
        '"auth"', '"Auth"'
    ),
    "a long s": A_VARIABLE.replace("auths", "auth\u017f"),
    "blanks": " \n",
    "null": "null",
    "a list": "[]",
    "half": A_VARIABLE[:-1],
    "a brace behind": A_VARIABLE + "}",
    "a bracket behind": A_VARIABLE + "\n]",
    "a second object": A_VARIABLE + "{}",
    "a comment behind": A_VARIABLE + " // end",
    "a byte-order mark": "\ufeff" + A_VARIABLE,
    "a byte that is no text": A_VARIABLE.replace("r.example", "r\udcff", 1),
    "a field besides auths": json.dumps(one(HOST, credsStore="x")),
    "a field besides auth": json.dumps(one(HOST, {"auth": b64("a:b"), "email": ""})),
    "fields": json.dumps(one(HOST, {"username": "a", "password": "b"})),
    "a stub": json.dumps(one(HOST, {})),
    "a stub beside": json.dumps({"auths": {HOST: {"auth": b64("a:b")}, "o": {}}}),
    "null for an entry": json.dumps(one(HOST, None)),
    "no user": json.dumps(one(HOST, {"auth": b64(":b")})),
    "no colon beside": json.dumps(
        {"auths": {HOST: {"auth": b64("a:b")}, "o": {"auth": b64("ab")}}}
    ),
    "a number for an auth": json.dumps(one(HOST, {"auth": 5})),
    "an identity token for a password": json.dumps(
        one(HOST, {"auth": b64("<token>:t")})
    ),
    "an entry twice": A_VARIABLE.replace(
        "}}", f'}}, "{HOST}": {{"auth": "eW91OnA="}}}}'
    ),
}
"""Values of DOCKER_AUTH_CONFIG."""


def written(content: object) -> bytes:
    return content if isinstance(content, bytes) else json.dumps(content).encode()


HELPERS = {
    "x": 'echo \'{"ServerURL":"s","Username":"kept","Secret":"pw-x"}\'',
    "token": 'echo \'{"ServerURL":"s","Username":"<token>","Secret":"id"}\'',
    "empty": "echo credentials not found in native keychain; exit 1",
    "fails": "echo locked; exit 1",
}


def make_helpers(place: Path) -> str:
    """Write the HELPERS into a directory; return a PATH that starts with it."""
    for name, body in HELPERS.items():
        file = place / f"docker-credential-{name}"
        file.write_text(f"#!/bin/sh\n{body}\n")
        file.chmod(0o755)
    return f"{place}:/usr/bin:/bin"
