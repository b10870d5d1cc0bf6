"""Target: the launcher's front (its sh part) must answer only as Python would.

A front answers hits from the cache without Python, and passes other requests to Python.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from protocol.launcher.launched import PROGRAM, SHELLS
from support.program import BUSY_S

from dockcred import wiring
from dockcred.credential import Credential, ServerURL
from dockcred.errors import DockcredError
from dockcred.identity.provider import Identity
from dockcred.identity.router import Router
from dockcred.protocol import answer
from dockcred.protocol.launcher import render
from dockcred.providers.ecr import ECR
from dockcred.system import process
from dockcred.system.environment import OURS, Environment, sdks, timeout_s

ERRORS = (DockcredError,)
_HERE = tempfile.TemporaryDirectory(prefix="dockcred-fuzz-")
PART = b"\x1e"
BY_PYTHON = b"by python\n"
_LIFE_S = 12 * 3600
_PYTHON = f"#!/bin/sh\nprintf '{BY_PYTHON.decode()[:-1]}\\n'\nexec cat\n"
_OF_SH = (
    *("CI", "IFS", "LANG", "LC_ALL", "POSIXLY_CORRECT", "url", "more", "host", "now"),
    *("line", "held", "token", "answer", "further", "looks", "picked", "newline"),
)
_PLACES = {ECR.cache_parent, "HOME", "DOCKCRED_CACHE_DIR", "XDG_CACHE_HOME"}
_NAMES = {
    *(*ECR().variables, *ECR().secrets, *sdks.NAMES, *sdks.SECRETS, *OURS, *_OF_SH),
    ECR.cache_off,
} - {*_PLACES, "PATH", "DOCKCRED_REFRESH", "AWS_WEB_IDENTITY_TOKEN_FILE"}


def _token(subject: str, number: int) -> bytes:
    """Return a token for a subject; its signature is wrong, as nobody checks it."""
    claims = {"iss": "https://issuer.example.com", "sub": subject, "iat": number}
    signature = hashlib.sha256(f"{subject} {number}".encode()).digest()
    parts = (b'{"alg":"HS256"}', json.dumps(claims).encode(), signature)
    return b".".join(base64.urlsafe_b64encode(each).rstrip(b"=") for each in parts)


TOKENS = {
    b"{%s}" % f"{subject}{number}".encode(): _token(subject, number)
    for subject in ("ada", "bob")
    for number in (1, 2)
}
"""Tokens by their placeholders in an input, such as {ada1}."""


def front(data: bytes) -> str:
    """Make one request to Python, and then a second one to the front and to Python.

    An input has two requests of three parts: the request, variables as in
    /proc/PID/environ, and the content of a token file. Parts that the second lacks are
    those of the first. If the front answers the second without Python, the answer must
    be Python's, with the password for these variables. If not, Python must get the
    whole request.
    """
    parts = data.split(PART)
    first = [*parts[:3], b"", b""][:3]
    second = [*parts[3:6], *first[len(parts[3:6]) :]]
    shutil.rmtree(_place() / ".cache", ignore_errors=True)
    variables = _variables(first)
    _by_python(first[0], variables)
    variables = _variables(second)
    request = second[0]
    found = [_by_sh(shell, request, variables) for shell in _shells()]
    alone = [each for each in found if not each.startswith(BY_PYTHON)]
    for each in found:
        if each.startswith(BY_PYTHON):
            passed = each.removeprefix(BY_PYTHON)
            assert _line(passed) == _line(request), "Python is asked something else"
    if alone:
        theirs = _by_python(request, variables)
        assert {*alone} == {theirs}, "Python answers something else"
        if second[2] in TOKENS or not second[2]:
            said = json.loads(theirs)
            server = ServerURL.parse(request.replace(b"\0", b""))
            known = _Known().identity(server, Environment(variables)).issue()
            assert said["Secret"] == known.secret, "it is another's password"
    return f"{len(alone)} of {len(found)}"


def _line(request: bytes) -> bytes:
    """Return a request without NULs and a last newline: sh drops NULs, and adds a
    newline."""
    return request.replace(b"\0", b"").removesuffix(b"\n")


@functools.cache
def _shells() -> tuple[str, ...]:
    """Return the names of the shells that are installed and run."""
    return tuple(name for name, words in SHELLS.items() if _runs(words))


def _runs(words: list[str]) -> bool:
    if not shutil.which(words[0]):
        return False
    tried = subprocess.run([*words, "-c", ":"], check=False, capture_output=True)
    return tried.returncode == 0


@functools.cache
def _place() -> Path:
    """Return the directory that is HOME in all requests, with the launcher."""
    place = Path(_HERE.name, "front")
    place.mkdir(mode=0o700)
    for name, text in (
        ("python", _PYTHON),
        (PROGRAM, render.launcher(PROGRAM, str(place / "python"), ("/x",), ECR())),
    ):
        (place / name).write_text(text, encoding="ascii")
        (place / name).chmod(0o755)
    return place


def _variables(parts: list[bytes]) -> dict[str, str]:
    """Return the environment of one call; write its token file, with an old mtime."""
    _, named, token = parts
    pairs = (os.fsdecode(each).partition("=") for each in named.split(b"\0"))
    found = {name: value for name, _, value in pairs if name in _NAMES}
    found |= {"HOME": str(_place()), "PATH": os.environ["PATH"]}
    if token:
        path = _place() / "token"
        for name, text in TOKENS.items():
            token = token.replace(name, text)
        path.write_bytes(token)
        long_ago = time.time() - 60
        os.utime(path, (long_ago, long_ago))
        found["AWS_WEB_IDENTITY_TOKEN_FILE"] = str(path)
    return found | {"DOCKCRED_REFRESH": "off"}


def _by_sh(shell: str, request: bytes, variables: dict[str, str]) -> bytes:
    return subprocess.run(
        [*SHELLS[shell], _place() / PROGRAM, "get"],
        input=request,
        env=variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=BUSY_S,
        check=False,
    ).stdout


def _by_python(request: bytes, variables: dict[str, str]) -> bytes:
    """Return Python's answer to a request that sh has read; b"" if it fails."""
    environment = Environment(variables)
    store = Router(
        ("ecr",),
        environment,
        lambda: wiring._config(environment),
        load=lambda *_: _Known(),
        open_cache=wiring.open_cache,
        program_for=wiring.program_for,
    )
    process.short = PROGRAM.removeprefix("docker-credential-")
    try:
        timeout_s(environment)
        line, _ = answer("get", lambda: store, request.replace(b"\0", b""))
        store.after_answer()
    except DockcredError:
        return b""
    finally:
        process.short = ""
    return line


def _subject(path: str) -> str | bytes:
    token = Path(path).read_bytes().strip()
    try:
        payload = base64.urlsafe_b64decode(token.split(b".")[1] + b"==")
        return str(json.loads(payload)["sub"])
    except (IndexError, KeyError, TypeError, ValueError, RecursionError):
        return token


class _Known(ECR):
    """ECR with an identity that depends only on the variables, and calls no service."""

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        return _Told(server, environment)


class _Told(Identity):
    """An identity whose password is a hash of everything that selects an identity."""

    def __init__(self, server: ServerURL, environment: Environment) -> None:
        self._server = server
        self._environment = environment
        path = environment.get("AWS_WEB_IDENTITY_TOKEN_FILE")
        self.tokens = (path,) if path else ()
        self.sources = ("aws:web-identity" if path else "aws:env-keys",)

    def issue(self) -> Credential:
        get, provider = self._environment.get, ECR()
        told = [self._server.host, self._server.port]
        told += [(name, get(name)) for name in provider.variables]
        told += [(name, bool(get(name))) for name in provider.secrets]
        told += map(_subject, self.tokens)
        if get("AWS_PROFILE"):  # as an SDK, which reads more variables
            told += [(name, get(name)) for name in sdks.NAMES]
        secret = hashlib.sha256(repr(told).encode("utf-8", "replace")).hexdigest()
        many = 20 if get("AWS_REGION") else 1  # too long for sh to read
        now = time.time()
        return Credential("AWS", secret * many, now, now + _LIFE_S)
