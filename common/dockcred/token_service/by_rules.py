"""The answer from our own rules: verify, see what is allowed, sign that."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from dockcred.errors import DockcredError
from dockcred.token_service import access_token
from dockcred.token_service.answer import Answer
from dockcred.token_service.id_token import Identity, Verifier
from dockcred.token_service.key_directory import KeyDirectory
from dockcred.token_service.refusal import Refusal
from dockcred.token_service.request import TokenRequest
from dockcred.token_service.rule import ANONYMOUS, Rule, grant
from dockcred.token_service.settings import Settings
from dockcred.token_service.signing_key import SigningKey

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

    async def answer(self, request: TokenRequest) -> Answer:
        """Answer with a token for what is asked for and allowed; raise Refusal.

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
        return Answer(token.reply(granted), told)

    def begin(self) -> None:
        """Ask the issuers for their keys."""
        self._verifier.begin()

    def check(self) -> None:
        """Raise DockcredError where nothing could be signed."""
        self._keys.signing_key()

    def _signing_key(self) -> SigningKey:
        """Answer our key; a directory that is broken while we run may be mended."""
        try:
            return self._keys.signing_key()
        except (DockcredError, OSError) as error:
            reason = "no token can be signed now"
            raise Refusal.unavailable(reason, _RETRY_S, str(error)) from None

    async def _who(self, request: TokenRequest) -> tuple[Identity | None, list[Rule]]:
        """Answer who asks, None for nobody, and the rules that admit them."""
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
