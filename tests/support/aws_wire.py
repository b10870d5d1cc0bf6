"""A stand-in for AWS in this process, for botocore's requests and for our own.

It notes each request, and answers as AWS would. An access key's id has the name of its
owner; a registry password has the access key that signed its request.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from unittest import mock
from urllib.parse import parse_qs, urlsplit

import botocore.awsrequest
import botocore.credentials
import botocore.hooks
import botocore.httpsession
import botocore.loaders
import botocore.session

from dockcred.providers.ecr import api, machine, sdk
from dockcred.transport import idle, metadata
from dockcred.transport.response import Response
from dockcred.transport.target import Target

_ENDS = "2099-01-01T00:00:00Z"
_ENDS_S = 4070908800
_ORIGINAL_PROCESS = botocore.credentials.ProcessProvider
_LOADER = botocore.loaders.create_loader()
_CREDENTIAL = re.compile(r"Credential=(\w+)/\d+/([\w-]+)/([\w-]+)/")

Answer = tuple[int, bytes]


def _keys(owner: str, token: str = "Token") -> dict[str, str]:
    return {
        "AccessKeyId": f"ASIA{re.sub(r'[^A-Za-z0-9]', '', owner).upper()}",
        "SecretAccessKey": "secret",
        token: f"session of {owner}",
        "Expiration": _ENDS,
    }


class Wire:
    """The requests so far, in order; `overrides` has answers that go before ours.

    The keys of `overrides` are ecr, sts, metadata and container.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[str, ...]] = []
        self.overrides: dict[str, Answer] = {}

    def answer(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes
    ) -> Answer:
        """Note a request; return the status and the body of its response."""
        parts = urlsplit(url)
        sent = {name.lower(): _text(value) for name, value in headers.items()}
        form = parse_qs(body.decode()) if b"Action=" in body else {}
        if "x-amz-target" in sent:
            return self._ecr(url, sent, body)
        if form:
            return self._sts(url, sent, form)
        if parts.path.startswith("/latest/"):
            return self._metadata(parts.netloc, parts.path)
        self.asked.append(("container", url, sent.get("authorization", "")))
        keys = json.dumps(_keys("container")).encode()
        return self.overrides.get("container", (200, keys))

    def _ecr(self, url: str, sent: dict[str, str], body: bytes) -> Answer:
        signer = _signer(sent)
        token = sent.get("x-amz-security-token", "")
        accounts = json.loads(body or b"{}").get("registryIds", [])
        what = (sent["x-amz-target"], *accounts)
        self.asked.append(("ecr", url.rstrip("/"), *what, *signer, token))
        password = base64.b64encode(f"AWS:for {signer[0]}".encode()).decode()
        data: object = {"authorizationToken": password, "expiresAt": _ENDS_S}
        if "Spencer" not in sent["x-amz-target"]:
            data = [data]
        body = json.dumps({"authorizationData": data}).encode()
        return self.overrides.get("ecr", (200, body))

    def _sts(
        self, url: str, sent: dict[str, str], form: dict[str, list[str]]
    ) -> Answer:
        action, role = form["Action"][0], form.get("RoleArn", [""])[0]
        session = form.get("RoleSessionName", [""])[0]
        if session.startswith(("botocore-session-", "dockcred-")):
            session = ""  # made from the time
        more = [form.get(n, [""])[0] for n in ("WebIdentityToken", "ExternalId")]
        signer = _signer(sent)
        self.asked.append(
            ("sts", url.rstrip("/"), action, role, session, *more, *signer)
        )
        keys = _keys(role.rpartition("/")[2], "SessionToken")
        inner = "".join(f"<{name}>{value}</{name}>" for name, value in keys.items())
        user = "<AssumedRoleUser><Arn>a</Arn><AssumedRoleId>i</AssumedRoleId></AssumedRoleUser>"
        text = (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">'
            f"<{action}Result><Credentials>{inner}</Credentials>{user}</{action}Result>"
            f"<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata>"
            f"</{action}Response>"
        )
        return self.overrides.get("sts", (200, text.encode()))

    def _metadata(self, host: str, path: str) -> Answer:
        self.asked.append(("metadata", host, path))
        if path == "/latest/api/token":
            return 200, b"token"
        if path.endswith("security-credentials/"):
            return 200, b"machine"
        body = json.dumps({"Code": "Success", **_keys("machine")}).encode()
        return self.overrides.get("metadata", (200, body))

    def process(self, words: list[str], **_: object) -> object:
        """Note a program's start; return a process that has printed access keys."""
        self.asked.append(("process", *words))
        keys = {"Version": 1, **_keys("process", "SessionToken")}
        printed = json.dumps(keys).encode()
        done = mock.Mock(returncode=0)
        done.communicate.return_value = (printed, b"")
        return done


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _signer(sent: dict[str, str]) -> tuple[str, str, str]:
    """Return key, region and service of a signature; empty strings without one."""
    found = _CREDENTIAL.search(sent.get("authorization", ""))
    return (found[1], found[2], found[3]) if found else ("", "", "")


class _Raw:
    def __init__(self, body: bytes) -> None:
        self._body = body

    def stream(self, *_: object) -> Iterator[bytes]:
        yield self._body


@contextmanager
def wired() -> Iterator[Wire]:
    """Send all requests of this process to a Wire; start no program."""
    wire = Wire()

    def theirs(_: object, prepared: botocore.awsrequest.AWSPreparedRequest) -> object:
        body = prepared.body or b""
        body = body.encode() if isinstance(body, str) else body
        status, text = wire.answer(
            prepared.method, prepared.url, dict(prepared.headers), body
        )
        return botocore.awsrequest.AWSResponse(prepared.url, status, {}, _Raw(text))

    def ours(method: str, url: str, _: object, **more: object) -> Response:
        Target(url)  # as `request` does first: it refuses URLs that are not allowed
        idle.clear()
        headers = more["headers"]
        headers = headers() if callable(headers) else headers
        assert isinstance(headers, dict)
        body = more.get("body", b"")
        assert isinstance(body, bytes)
        return Response(*_in_order(*wire.answer(method, url, headers, body)))

    process = mock.Mock(side_effect=lambda *words, **_: wire.process(*words))
    with (
        mock.patch.object(botocore.httpsession.URLLib3Session, "send", theirs),
        mock.patch.object(botocore.hooks, "accepts_kwargs", return_value=True),
        mock.patch.object(botocore.session, "create_loader", return_value=_LOADER),
        mock.patch.object(
            botocore.credentials, "ProcessProvider", _their_process(process)
        ),
        mock.patch.object(api, "request", ours),
        mock.patch.object(machine, "request", ours),
        mock.patch.object(machine, "probe", ours),
        # Without these, a machine known not to be a cloud's would not be asked.
        mock.patch.object(metadata, "ask", lambda _, __, request, *own: request()),
        mock.patch.object(metadata, "check"),
        mock.patch.object(sdk, "Popen", process),
    ):
        yield wire
    idle.clear()


def _in_order(status: int, body: bytes) -> tuple[int, dict[str, str], bytes]:
    return status, {}, body


def _their_process(process: object) -> object:
    """Return botocore's ProcessProvider, which starts `process` in place of Popen."""

    class WithStandIn(_ORIGINAL_PROCESS):
        def __init__(self, *details: object, **more: object) -> None:
            super().__init__(*details, **more)
            self._popen = process

    return WithStandIn
