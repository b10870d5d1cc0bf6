"""What `check containers-auth` says of a file is what containers/image does with it."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from support import oracles

from dockcred.clients import formats
from dockcred.clients.findings import Severity

HOST = "r.example"
LOGIN = {"auth": base64.b64encode(b"u:p").decode()}
GOOD = json.dumps({"auths": {HOST: LOGIN}})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"[]",
        b"{} {}",
        b'{"a": NaN}',
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.encode("utf-16"),
        json.dumps({"auths": {HOST: LOGIN, "x": 1}}).encode(),
        json.dumps({"auths": {HOST: LOGIN, "x": {"identitytoken": 1}}}).encode(),
        json.dumps({"auths": {HOST: LOGIN}, "credHelpers": []}).encode(),
        json.dumps({"auths": {HOST: LOGIN}, "credHelpers": {HOST: ""}}).encode(),
        json.dumps({"auths": {f"{HOST}/": LOGIN}}).encode(),
        json.dumps({"auths": {f"HTTPS://{HOST}": LOGIN}}).encode(),
        GOOD.encode(),
        GOOD.replace("auths", "AUTHS").encode(),
        GOOD.encode().replace(b"{", b'{"x": "\xff", ', 1),
        json.dumps({"auths": {HOST: LOGIN}, "credsStore": 1}).encode(),
    ],
)
def test_an_error_is_where_podman_sends_nothing(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / ".config/containers/auth.json"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    found = formats.check("containers-auth", data)
    worst = max(finding.severity for finding in found)
    for name in ("containers_image_5_39", "containers_image_5_42"):
        sent = oracles.ask(name, tmp_path, {"PATH": "/usr/bin:/bin"}, HOST)
        assert (worst == Severity.ERROR) == (sent["username"] is None), found


def test_two_keys_for_one_registry_are_told() -> None:
    table: dict[str, Any] = {f"https://{HOST}": LOGIN, f"http://{HOST}": LOGIN}
    data = json.dumps({"auths": table}).encode()
    found = formats.check("containers-auth", data)
    assert any("podman takes either" in finding.text for finding in found)
    table[HOST] = LOGIN
    data = json.dumps({"auths": table}).encode()
    found = formats.check("containers-auth", data)
    assert not any("podman takes either" in finding.text for finding in found)
