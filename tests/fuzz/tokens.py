"""Targets: tokens, and what a registry's client, an issuer and a registry send."""

from __future__ import annotations

import jwt

from dockcred.commands.doctor import realm
from dockcred.commands.doctor.registry import Challenge
from dockcred.commands.token_service import id_token as tokens
from dockcred.commands.token_service import issuer_documents, request
from dockcred.commands.token_service.request import Refusal
from dockcred.commands.token_service.settings import ALGORITHMS, Issuer
from dockcred.errors import DockcredError
from dockcred.system.environment import Environment
from dockcred.transport.json_reader import claims_of
from fuzz.documents import in_file

ERRORS = (DockcredError, Refusal)
# With a proxy, no name is resolved on this machine.
_BEHIND_A_PROXY = Environment({"HTTPS_PROXY": "http://127.0.0.1:9"})
_NO_CHECK = {"verify_signature": False}


def id_token(data: bytes) -> str:
    """Parse an ID token; PyJWT must agree with what we accept."""
    claims = claims_of(data)
    token = tokens.read(data.decode("latin-1"))
    assert token.claims == claims, "the quick reader has other claims"
    try:
        theirs = jwt.api_jws.decode_complete(data, options=_NO_CHECK)
    except jwt.PyJWTError:
        theirs = None
    token.check_form(ALGORITHMS)
    assert theirs is not None, "PyJWT does not read it"
    assert theirs["header"] == token.header, "PyJWT reads another header"
    token.check_claims("dockcred", 1_800_000_000.0)
    return ""


def key_set(data: bytes) -> str:
    issuer = Issuer("fuzz", "https://issuer.example.com", "a", keys_file=in_file(data))
    found = issuer_documents._fetch_keys(issuer)
    return " ".join(found)


def token_request(data: bytes) -> str:
    """Parse the first line as a GET's query, the rest as its Authorization header."""
    query, newline, shown = data.partition(b"\n")
    headers = [shown.decode("latin-1")] if newline else []
    try:
        read = request.of_query(query, headers)
    except Refusal as refused:
        said = refused.reason
        read = request.of_form(query)
        return f"{said} {read!r}"
    for access in read.asked:
        assert request.parse([str(access)]) == (access,), "a scope is another one"
        assert access.claim()["name"]
    return repr(read)


def challenge(data: bytes) -> str:
    header = data.decode("latin-1")
    found = Challenge(header)
    address = found.parameters.get("realm", "")
    realm.check(address, "registry.example.com", _BEHIND_A_PROXY)
    return address
