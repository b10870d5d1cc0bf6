"""How an application authenticates to Entra: a secret or a signed assertion."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from dockcred.testing.sandbox.azure.directory import Principal
from dockcred.testing.sandbox.azure.wire import EntraRefusal
from dockcred.testing.sandbox.messages import Request
from dockcred.testing.sandbox.service import Refusal

if TYPE_CHECKING:
    from dockcred.testing.sandbox.azure.signer import Signer

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
SKEW_S = 300
FEDERATED_AUDIENCE = "api://AzureADTokenExchange"


def check(
    request: Request,
    application: Principal,
    cluster: Signer,
    now: float,
    audience: str = FEDERATED_AUDIENCE,
) -> None:
    """Raise Refusal unless the form authenticates the application.

    `audience` is the audience that the cluster's tokens must have.
    """
    form = request.form
    if assertion := form.get("client_assertion"):
        if form.get("client_assertion_type") != TYPE:
            raise EntraRefusal(50027, "The assertion's type is not supported")
        _check_assertion(assertion, request, application, (cluster, audience), now)
    elif not form.get("client_secret"):
        raise EntraRefusal(7000218, "The request has no client_secret or assertion")
    elif not application.secret or not hmac.compare_digest(
        form["client_secret"].encode(), application.secret.encode()
    ):
        raise EntraRefusal(
            7000215, f"Invalid client secret provided: {form['client_secret']}"
        )


def _check_assertion(
    assertion: str,
    request: Request,
    application: Principal,
    trusted: tuple[Signer, str],
    now: float,
) -> None:
    import jwt  # noqa: PLC0415 - the extra `sandbox` brings it

    try:
        stated = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.InvalidTokenError as error:
        raise EntraRefusal(50027, "JWT token is invalid or malformed") from error
    if stated.get("iss") == application.client_id:
        audience = f"https://{request.host}{request.path}"
        claims = _certified(assertion, application, audience)
    else:
        claims = _federated(assertion, stated, application, *trusted)
    if not claims.get("nbf", 0) - SKEW_S <= now < claims.get("exp", 0):
        raise EntraRefusal(
            700024, "Client assertion is not within its valid time range"
        )


def _federated(
    assertion: str,
    stated: dict[str, Any],
    application: Principal,
    cluster: Signer,
    wanted: str,
) -> dict[str, Any]:
    if not application.subject or stated.get("iss") != cluster.issuer:
        raise EntraRefusal(700211, "No matching federated identity record for issuer")
    try:
        claims = cluster.claims(assertion)
    except Refusal as error:
        raise EntraRefusal(
            50013, "Assertion failed signature validation", "invalid_grant"
        ) from error
    # Kubernetes writes the audience as a list with one entry.
    if claims["aud"] not in (wanted, [wanted]):
        raise EntraRefusal(700212, "No matching federated identity record for audience")
    if claims["sub"] != application.subject:
        raise EntraRefusal(700213, "No matching federated identity record for subject")
    return claims


def _certified(assertion: str, application: Principal, audience: str) -> dict[str, Any]:
    import jwt  # noqa: PLC0415
    from cryptography import x509  # noqa: PLC0415

    if not application.certificate:
        raise EntraRefusal(700027, "The application has no certificate")
    key = x509.load_pem_x509_certificate(application.certificate).public_key()
    try:
        return jwt.decode(
            assertion,
            key,  # type: ignore[arg-type]
            algorithms=["PS256", "RS256"],
            audience=audience,
            options={"verify_exp": False, "verify_nbf": False},
        )
    except jwt.InvalidAudienceError as error:
        raise EntraRefusal(50027, "The assertion is for another audience") from error
    except jwt.InvalidTokenError as error:
        raise EntraRefusal(
            700027, "The certificate's key does not verify the signature"
        ) from error
