"""What all OpenID issuers have: a discovery document, keys, and tokens (JWT, RS256)."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

DISCOVERY = "/.well-known/openid-configuration"


class Issuer(Service):
    """One issuer; `job` are the claims of its tokens, `life_s` their life in seconds.

    On the loopback its URL has its own path. `rotate` makes a new key, and `withdraw`
    stops to publish the old ones.
    """

    issuer: ClassVar[str]
    """Its real URL."""
    keys_path: ClassVar[str]
    typical: ClassVar[Mapping[str, object]] = MappingProxyType({})
    """The claims of its jobs, unless a test changes them."""
    life_s = 300.0

    def __init__(self, loopback_url: Callable[[], str]) -> None:
        self._loopback_url = loopback_url
        self.job = dict(self.typical)
        self._keys: dict[str, RSAPrivateKey] = {}
        self._published: list[str] = []
        self._real = urlsplit(self.issuer)

    @property
    def url(self) -> str:
        """Return the value of `iss`: the real URL, or the one on the loopback."""
        base = self._loopback_url()
        return f"{base}{self._prefix}" if base else self.issuer

    def token(self, audience: str, **changes: object) -> str:
        """Return a token for an audience; a claim changed to None is left out."""
        import jwt  # noqa: PLC0415 - the extra `sandbox`

        now = int(time.time())
        claims = {
            "iss": self.url,
            "aud": audience,
            "iat": now,
            "nbf": now - 5,
            "exp": now + int(self.life_s),
            "jti": secrets.token_hex(16),
            **self.job,
            **changes,
        }
        claims = {name: value for name, value in claims.items() if value is not None}
        key_id, key = self.signing_key()
        return jwt.encode(claims, key, algorithm="RS256", headers={"kid": key_id})

    def signing_key(self) -> tuple[str, RSAPrivateKey]:
        """Return the id of the key that signs now, and the key."""
        if not self._keys:
            self.rotate()
        return next(reversed(self._keys.items()))

    def rotate(self) -> str:
        """Sign with a new key from now on; return its id.

        The old keys stay published.
        """
        from dockcred.testing.sandbox import rs256  # noqa: PLC0415 - needs cryptography

        key_id = secrets.token_hex(8)
        self.adopt(key_id, rs256.new_key())
        return key_id

    def adopt(self, key_id: str, key: RSAPrivateKey) -> None:
        """Sign from now on with this key, which a real issuer may also have."""
        self._keys[key_id] = key
        self._published.append(key_id)

    def withdraw(self) -> None:
        """Publish only the key that signs now."""
        self._published = [self.signing_key()[0]]

    def jwks(self) -> dict[str, Any]:
        """Return the published keys as a JSON Web Key Set."""
        from jwt.algorithms import RSAAlgorithm  # noqa: PLC0415 - the extra `sandbox`

        self.signing_key()
        return {
            "keys": [
                RSAAlgorithm.to_jwk(self._keys[key_id].public_key(), as_dict=True)
                | {"kid": key_id, "alg": "RS256", "use": "sig"}
                for key_id in self._published
            ]
        }

    def verify(self, token: str, *, audience: str, now: float) -> dict[str, Any]:
        """Return the claims of our token for an audience, or raise Refusal."""
        claims = self.claims(token)
        stated = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if claims["iss"] != self.url or audience not in stated:
            raise Refusal(Reason.BAD_IDENTITY_TOKEN, "another issuer or audience")
        if not claims["nbf"] <= now < claims["exp"]:
            raise Refusal(Reason.EXPIRED_IDENTITY_TOKEN, "the token: not at this time")
        return claims

    def claims(self, token: str) -> dict[str, Any]:
        """Return the claims of a token that one of our keys signed, or raise Refusal.

        Each service that accepts the token checks the claims by its own clock.
        """
        import jwt  # noqa: PLC0415 - the extra `sandbox`

        from dockcred.testing.sandbox.azure.signer import UNCHECKED  # noqa: PLC0415

        try:
            key = self._keys[jwt.get_unverified_header(token)["kid"]].public_key()
            return jwt.decode(token, key, algorithms=["RS256"], options=UNCHECKED)
        except (jwt.InvalidTokenError, KeyError) as error:
            raise Refusal(Reason.BAD_IDENTITY_TOKEN, f"the token: {error}") from error

    def has_host(self, host: str) -> bool:
        """See Service."""
        return host == self._real.hostname

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path.startswith(f"{self._prefix}/")

    def operation(self, request: Request) -> str:
        """See Service."""
        names = {DISCOVERY: "configuration", self.keys_path: "keys"}
        return names.get(self._path(request), "unknown")

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        del now
        path = self._path(request)
        if request.method in {"GET", "HEAD"} and path == DISCOVERY:
            return document(self._configuration())
        if request.method in {"GET", "HEAD"} and path == self.keys_path:
            return document(self.jwks())
        raise Refusal(Reason.UNKNOWN_OPERATION, "Not Found")

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        statuses = {
            Reason.UNSIGNED: 401,
            Reason.DENIED: 403,
            Reason.UNKNOWN_OPERATION: 404,
            Reason.THROTTLED: 429,
            Reason.BROKEN: 500,
        }
        return document({"message": refusal.message}, statuses.get(refusal.reason, 400))

    @property
    def _prefix(self) -> str:
        return f"/ci/{self.name}"

    def _path(self, request: Request) -> str:
        """Return the path relative to the issuer's URL."""
        prefix = self._prefix if request.on_loopback else self._real.path
        return request.path.removeprefix(prefix)

    def _configuration(self) -> dict[str, Any]:
        return {
            "issuer": self.url,
            "jwks_uri": f"{self.url}{self.keys_path}",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
            "claims_supported": ["iss", "sub", "aud", "exp", "nbf", "iat", "jti"],
        }


def document(body: Any, status: int = 200) -> Response:
    """Return a response with a JSON document."""
    return Response(
        status, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
