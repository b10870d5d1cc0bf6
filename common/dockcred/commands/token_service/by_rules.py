"""Who asks, by an ID token that is verified; what the rules allow."""

from __future__ import annotations

import time
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import jwt

from dockcred.commands.token_service import access_token
from dockcred.commands.token_service.issuer_documents import PublishedKey
from dockcred.commands.token_service.issuer_keys import Fetch, IssuerKeys
from dockcred.commands.token_service.key_directory import KeyDirectory
from dockcred.commands.token_service.request import Refusal, TokenAnswer, TokenRequest
from dockcred.commands.token_service.rule import ANONYMOUS, Rule, grant
from dockcred.commands.token_service.settings import Issuer, Settings
from dockcred.commands.token_service.signing_key import SigningKey
from dockcred.errors import DockcredError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from jwt.types import Options

MAX_CHARACTERS = 16 * 1024
SKEW_S = 30
"""How far an issuer's clock may be before ours; none may be behind at the end."""

MAX_KEY_ID = 512
_SIGNATURE_BYTES = {
    "RS": range(256, 1025),
    "PS": range(256, 1025),
    "ES256": (64,),
    "ES384": (96,),
    "ES512": (132,),
    "EdDSA": (64, 114),
}
"""How long a signature is (RFC 7518, 3.3 to 3.5; RFC 8032)."""

_MALFORMED = (
    *(jwt.PyJWTError, ValueError, TypeError, KeyError),
    *(OverflowError, RecursionError, AttributeError),
)
_UNVERIFIED: Options = {"verify_signature": False}
_BUT_THE_SIGNATURE: Options = {
    "verify_signature": False,
    "verify_exp": True,
    "verify_nbf": True,
    "verify_iat": True,
    "verify_aud": True,
    "verify_iss": True,
    "verify_sub": True,
    "verify_jti": True,
}
_REASONS = (
    (jwt.ExpiredSignatureError, "the token has expired"),
    (jwt.ImmatureSignatureError, "the token is not valid yet"),
    (jwt.InvalidAudienceError, "the token is for another audience"),
    (jwt.MissingRequiredClaimError, "the token lacks a claim that it must have"),
    (jwt.InvalidSignatureError, "the token's signature is not its issuer's"),
)


@dataclass(frozen=True)
class Caller:
    """Who asks, for how long that is known, and all that the issuer says of them."""

    issuer: str
    subject: str
    expires_at: float
    claims: Mapping[str, Any]


class Verifier:
    """Verifies the tokens of some issuers; `clock` tells the time of day."""

    def __init__(
        self,
        issuers: Iterable[Issuer],
        fetch: Fetch,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._issuers = {
            issuer.url: (issuer, IssuerKeys(issuer, fetch)) for issuer in issuers
        }
        self._clock = clock

    async def identify(self, token: str) -> Caller:
        """Return whose token this is; raise Refusal for one that is not believed."""
        if len(token) > MAX_CHARACTERS:
            raise Refusal.bad_request("the token is too long")
        header, url, signature = _unverified(token)
        if url not in self._issuers:
            raise Refusal.unauthorized("the token's issuer is not listed here", url)
        issuer, keys = self._issuers[url]
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in issuer.algorithms:
            raise Refusal.unauthorized("the token is signed in a way not taken here")
        if not isinstance(key_id, str | None) or len(key_id or "") > MAX_KEY_ID:
            raise Refusal.unauthorized("the token is not a JWT")
        if len(signature) not in _lengths(algorithm):
            raise Refusal.unauthorized("the token is not signed")
        found = keys.known(key_id)
        # Nobody is asked, and nobody waits, for a token that is refused in any case.
        verified = self._examine(token, algorithm, issuer, found) if found else None
        if not verified:
            self._examine(token, algorithm, issuer, None)
        key = await keys.find(key_id)
        if not verified or key is not found:
            verified = self._examine(token, algorithm, issuer, key)
        return verified

    def begin(self) -> None:
        """Fetch every issuer's keys, before the first token of it comes."""
        for _, keys in self._issuers.values():
            keys.begin()

    def _examine(
        self,
        token: str,
        algorithm: str,
        issuer: Issuer,
        key: PublishedKey | None,
    ) -> Caller:
        """Read what the token says; raise Refusal where it cannot be believed.

        Without a key all is looked at but the signature.
        """
        if key and key.algorithm not in {"", algorithm}:
            raise Refusal.unauthorized("the token's key is for another algorithm")
        options: Options = {"require": ["iss", "sub", "aud", "exp"]}
        if not key:
            options |= _BUT_THE_SIGNATURE
        try:
            claims = jwt.decode(
                token,
                key.public if key else "",
                algorithms=[algorithm],
                audience=issuer.audience,
                issuer=issuer.url,
                leeway=SKEW_S,
                options=options,
            )
            expires_at = float(claims["exp"])
        except _MALFORMED as error:
            raise Refusal.unauthorized(_reason(error)) from None
        # PyJWT's leeway is for both ends; what we grant must end with the token.
        if not expires_at - self._clock() >= 1:
            raise Refusal.unauthorized("the token has expired")
        return Caller(issuer.name, claims["sub"], expires_at, claims)


def _lengths(algorithm: str) -> Container[int]:
    """Return how many bytes a signature by this algorithm may have."""
    return _SIGNATURE_BYTES.get(algorithm) or _SIGNATURE_BYTES[algorithm[:2]]


def _unverified(token: str) -> tuple[Mapping[str, Any], str, bytes]:
    """Return the header, the issuer that the claims name, and the signature."""
    try:
        parts = jwt.decode_complete(token, options=_UNVERIFIED)
        header, url = parts["header"], parts["payload"]["iss"]
    except _MALFORMED:
        raise Refusal.unauthorized("the password is not a JWT with an issuer") from None
    # A header that must be understood and is not (RFC 7515, 4.1.11).
    if "crit" in header or not isinstance(url, str):
        raise Refusal.unauthorized("the token is not one that is understood here")
    return header, url, parts["signature"]


def _reason(error: Exception) -> str:
    for kind, reason in _REASONS:
        if isinstance(error, kind):
            return reason
    return "the token cannot be verified"


_RETRY_S = 5


class ByRules:
    """Answers requests by rules and claims."""

    def __init__(
        self,
        settings: Settings,
        keys: KeyDirectory,
        verifier: Verifier,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._settings = settings
        self._keys = keys
        self._verifier = verifier
        self._clock = clock

    async def answer(self, request: TokenRequest) -> TokenAnswer:
        """Return with a token for what is asked for and allowed; raise Refusal.

        Who is known gets a token even where nothing is allowed: the registry says
        which access is denied, in words that its clients show.
        """
        if request.service not in {"", self._settings.service}:
            raise Refusal.bad_request("this is the token service of another registry")
        identity, rules = await self._who(request)
        granted = grant(rules, request.asked)
        now = self._clock()
        token = access_token.sign(
            self._settings,
            self._signing_key(),
            subject=identity.subject if identity else "",
            granted=granted,
            now=now,
            until=identity.expires_at if identity else now + self._settings.life_s,
        )
        told: dict[str, Any] = {
            "granted": [str(access) for access in granted],
            "life": token.life_s,
            "id": token.id,
        }
        if identity:
            told |= {"issuer": identity.issuer, "subject": identity.subject}
        return TokenAnswer(token.reply(granted), told)

    def begin(self) -> None:
        """Fetch the issuers' keys."""
        self._verifier.begin()

    def check(self) -> None:
        """Raise DockcredError where nothing could be signed."""
        self._keys.signing_key()

    def _signing_key(self) -> SigningKey:
        """Return our key; a directory that is broken while we run may be fixed."""
        try:
            return self._keys.signing_key()
        except (DockcredError, OSError) as error:
            reason = "no token can be signed now"
            raise Refusal.unavailable(reason, _RETRY_S, str(error)) from None

    async def _who(self, request: TokenRequest) -> tuple[Caller | None, list[Rule]]:
        """Return who asks, None for nobody, and the rules that admit them."""
        rules = self._settings.rules
        if request.secret is None:
            open_to_all = [rule for rule in rules if rule.issuer == ANONYMOUS]
            if not open_to_all:
                raise Refusal.unauthorized(
                    "nothing here is for strangers: the password must be an ID token"
                )
            return None, open_to_all
        identity = await self._verifier.identify(request.secret)
        # What is open to strangers is open to those who are known.
        return identity, [
            rule
            for rule in rules
            if rule.issuer == ANONYMOUS or rule.admits(identity.issuer, identity.claims)
        ]
