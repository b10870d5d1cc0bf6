"""Answer by rules: identify the caller by a verified ID token, and apply the rules."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from dockcred.commands.token_service import access_token, id_token
from dockcred.commands.token_service.issuer_keys import Fetch, IssuerKeys
from dockcred.commands.token_service.key_directory import KeyDirectory
from dockcred.commands.token_service.request import Refusal, TokenAnswer, TokenRequest
from dockcred.commands.token_service.rule import ANONYMOUS, Rule, grant
from dockcred.commands.token_service.settings import Issuer, Settings
from dockcred.commands.token_service.signing_key import SigningKey
from dockcred.errors import DockcredError


@dataclass(frozen=True)
class Caller:
    """The caller, until when that identity is valid, and all claims of the issuer."""

    issuer: str
    subject: str
    expires_at: float
    claims: Mapping[str, Any]


class Verifier:
    """Verifies the tokens of some issuers; `clock` returns seconds since the epoch."""

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
        """Return the caller of a token; raise Refusal if the token is not valid."""
        shown = id_token.read(token)
        if shown.issuer not in self._issuers:
            reason = "the token's issuer is not listed here"
            raise Refusal.unauthorized(reason, shown.issuer)
        issuer, keys = self._issuers[shown.issuer]
        shown.check_form(issuer.algorithms)
        # A token that is refused in any case causes no request, and no wait.
        expires_at = shown.check_claims(issuer.audience, self._clock())
        found = keys.known(shown.key_id)
        if found:
            shown.check_signature(found)
        key = await keys.find(shown.key_id)
        if key is not found:
            shown.check_signature(key)
            # The wait for the key may have taken time.
            expires_at = shown.check_claims(issuer.audience, self._clock())
        return Caller(issuer.name, shown.claims["sub"], expires_at, shown.claims)

    def begin(self) -> None:
        """Fetch every issuer's keys, before its first token comes."""
        for _, keys in self._issuers.values():
            keys.begin()


_RETRY_S = 5


class ByRules:
    """Answers requests by the settings' rules and the token's claims."""

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
        """Return a token for what is asked for and allowed; raise Refusal.

        A known caller gets a token even if nothing is allowed. The registry then says
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
        """Start to fetch the issuers' keys."""
        self._verifier.begin()

    def check(self) -> None:
        """Raise DockcredError or OSError if no token could be signed."""
        self._keys.signing_key()

    def _signing_key(self) -> SigningKey:
        """Return our key; raise Refusal with 503 if it cannot be read.

        An operator may repair the directory while we run.
        """
        try:
            return self._keys.signing_key()
        except (DockcredError, OSError) as error:
            reason = "no token can be signed now"
            raise Refusal.unavailable(reason, _RETRY_S, str(error)) from None

    async def _who(self, request: TokenRequest) -> tuple[Caller | None, list[Rule]]:
        """Return the caller, or None if anonymous, and the rules that admit them."""
        rules = self._settings.rules
        if request.secret is None:
            open_to_all = [rule for rule in rules if rule.issuer == ANONYMOUS]
            if not open_to_all:
                raise Refusal.unauthorized(
                    "nothing here is for strangers: the password must be an ID token"
                )
            return None, open_to_all
        identity = await self._verifier.identify(request.secret)
        # What anonymous callers may do, known callers may do too.
        return identity, [
            rule
            for rule in rules
            if rule.issuer == ANONYMOUS or rule.admits(identity.issuer, identity.claims)
        ]
