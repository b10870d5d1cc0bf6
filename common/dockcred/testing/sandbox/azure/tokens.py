"""Entra's access tokens, and what a resource learns of the caller."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import uuid4

from dockcred.testing.sandbox.azure.directory import Directory, Principal
from dockcred.testing.sandbox.service import Reason, Refusal

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure.signer import Signer

LIFETIME_S = 3600


@dataclass(frozen=True, slots=True)
class Caller:
    """The caller whose token a registry received."""

    tenant: str
    application: str
    object_id: str
    name: str


class AccessTokens:
    """Issues tokens for the resources of the directory, and reads them."""

    def __init__(self, directory: Directory, signer: Signer) -> None:
        self._directory = directory
        self._signer = signer
        self.lifetime_s = LIFETIME_S

    def issue(self, principal: Principal, resource: str, now: float) -> str:
        """Return a token for a known resource; all token endpoints use this."""
        return self._signer.sign(
            audience=resource,
            now=now,
            lifetime_s=self.lifetime_s,
            tid=principal.tenant,
            appid=principal.client_id,
            oid=principal.object_id,
            sub=principal.object_id,
            jti=str(uuid4()),
            unique_name=principal.name,
        )

    def person(self, user: Principal, host: str, now: float) -> dict[str, str]:
        """Return the ID token and client info that a user gets besides the token."""
        ids = json.dumps({"uid": user.object_id, "utid": user.tenant}).encode()
        id_token = self._signer.sign(
            audience=user.client_id,
            now=now,
            lifetime_s=self.lifetime_s,
            iss=f"https://{host}/{user.tenant}/v2.0",
            tid=user.tenant,
            oid=user.object_id,
            sub=user.object_id,
            preferred_username=user.name,
        )
        info = base64.urlsafe_b64encode(ids).rstrip(b"=").decode()
        return {"id_token": id_token, "client_info": info}

    def caller(
        self, token: str, audiences: frozenset[str], tenant: str, now: float
    ) -> Caller:
        """Return the caller of a token for an audience and a tenant; else Refusal."""
        claims = self._signer.claims(token)
        if claims["aud"].removesuffix("/") not in audiences:
            raise Refusal(
                Reason.BAD_IDENTITY_TOKEN, "the token is for another audience"
            )
        if now >= claims["exp"]:
            raise Refusal(Reason.EXPIRED_IDENTITY_TOKEN, "the token has expired")
        if claims["tid"] != tenant:
            raise Refusal(Reason.BAD_IDENTITY_TOKEN, "the token is of another tenant")
        return Caller(
            claims["tid"], claims["appid"], claims["oid"], claims["unique_name"]
        )
