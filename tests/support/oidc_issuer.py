"""An OIDC issuer on loopback: discovery, keys that rotate, and tokens of every kind."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

AUDIENCE = "registry.example.com"
GITHUB_CLAIMS = {
    "sub": "repo:octo/app:ref:refs/heads/main",
    "repository": "octo/app",
    "repository_id": "17",
    "repository_owner": "octo",
    "repository_owner_id": "9919",
    "event_name": "push",
    "ref": "refs/heads/main",
}


class Issuer:
    """An issuer with one key, which has an id; `asked` counts the requests by path."""

    def __init__(self) -> None:
        self.asked: Counter[str] = Counter()
        self.documents: dict[str, Any] = {}
        self.redirect = ""
        self.key_id, self.key = "first", _new_key()
        self.url = ""

    def rotate(self) -> None:
        self.key_id, self.key = f"{self.key_id}+", _new_key()

    def token(self, *, key=None, header=None, algorithm="RS256", **claims: Any) -> str:
        """Return a signed ID token; a claim that is None is left out."""
        now = int(time.time())
        said = {"iss": self.url, "aud": AUDIENCE, "iat": now, "nbf": now}
        said |= {"exp": now + 600} | GITHUB_CLAIMS | claims
        said = {name: value for name, value in said.items() if value is not None}
        header = {"kid": self.key_id} | (header or {})
        # PyJWS, as jwt.encode refuses to sign some of the claims that we must reject.
        signer, text = jwt.PyJWS(), json.dumps(said).encode()
        return signer.encode(text, key or self.key, algorithm, header)

    def document(self, path: str) -> Any:
        if path in self.documents:
            return self.documents[path]
        if path == "/.well-known/openid-configuration":
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        if path == "/keys":
            return {"keys": [public_jwk(self.key, self.key_id)]}
        return None


def public_jwk(key: Any, key_id: str) -> dict[str, Any]:
    found = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return found | {"kid": key_id, "alg": "RS256", "use": "sig"}


def _new_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@contextmanager
def serving() -> Iterator[Issuer]:
    """Serve an issuer until the block ends."""
    issuer = Issuer()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            issuer.asked[self.path] += 1
            document = issuer.document(self.path)
            body = json.dumps(document).encode()
            status = 404 if document is None else 200
            if issuer.redirect:
                status = 302
            self.send_response(status)
            if issuer.redirect:
                self.send_header("Location", issuer.redirect)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        # Silence the error of a client that hangs up because it has read enough.
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        issuer.url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield issuer
        finally:
            server.shutdown()
            thread.join()
