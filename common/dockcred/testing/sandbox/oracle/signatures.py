"""Verify signed requests, as Oracle's services do.

docs.oracle.com "Request Signatures" lists the headers that must be signed, and the
three forms of a key's name. The date may be five minutes off.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from collections.abc import Callable
from email.utils import parsedate_to_datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

from dockcred.testing.sandbox.messages import Request
from dockcred.testing.sandbox.service import Reason, Refusal

SKEW_S = 300
_FIELD = re.compile(r'([a-zA-Z]+)="([^"]*)"')
_FORM = re.compile(r'Signature [a-zA-Z]+="[^"]*"(,[a-zA-Z]+="[^"]*")*')


def key_id(request: Request) -> str:
    """Return the key name in the Authorization header; raise Refusal without one."""
    return _fields(request)["keyId"]


def verify(
    request: Request,
    find: Callable[[str], rsa.RSAPublicKey],
    needed: tuple[str, ...],
    now: float,
) -> str:
    """Verify the signature; return the name of its key, or raise Refusal.

    `needed` are headers that must be signed. `find` returns the key of a name.
    """
    fields = _fields(request)
    signed = fields["headers"].split(" ")
    if request.method in {"POST", "PUT"}:
        needed += ("content-length", "content-type", "x-content-sha256")
        digest = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
        if request.header("x-content-sha256") != digest:
            raise Refusal(Reason.BAD_SIGNATURE, "x-content-sha256 is not the body's")
    if missing := set(needed) - set(signed):
        raise Refusal(Reason.BAD_SIGNATURE, f"not signed: {', '.join(sorted(missing))}")
    _check_date(request.header("date"), now)
    lines = [f"{name}: {_value(request, name)}" for name in signed]
    try:
        signature = base64.b64decode(fields["signature"], validate=True)
        find(fields["keyId"]).verify(
            signature, "\n".join(lines).encode(), padding.PKCS1v15(), SHA256()
        )
    except (ValueError, binascii.Error, InvalidSignature) as error:
        raise Refusal(Reason.BAD_SIGNATURE, "the signature does not hold") from error
    return fields["keyId"]


def _fields(request: Request) -> dict[str, str]:
    header = request.header("authorization")
    if _FORM.fullmatch(header) is None:
        raise Refusal(Reason.UNSIGNED, "the request is not signed")
    fields = dict(_FIELD.findall(header))
    if not {"headers", "keyId", "signature"}.issubset(fields):
        raise Refusal(Reason.UNSIGNED, "the signature lacks a field")
    if (fields.get("algorithm"), fields.get("version")) != ("rsa-sha256", "1"):
        raise Refusal(Reason.BAD_SIGNATURE, "the signature is of another kind")
    return fields


def _value(request: Request, name: str) -> str:
    if name == "(request-target)":
        query = f"?{request.query}" if request.query else ""
        return f"{request.method.lower()} {request.path}{query}"
    value = request.header(name)
    if not value:
        raise Refusal(Reason.BAD_SIGNATURE, f"{name} is signed and not sent")
    return value


def _check_date(text: str, now: float) -> None:
    try:
        there = parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError) as error:
        raise Refusal(Reason.BAD_SIGNATURE, "the date is none") from error
    if abs(now - there) > SKEW_S:
        raise Refusal(Reason.EXPIRED, f"{text} is not within the allowed clock skew")
