"""Any answers of ECS's metadata service: we end as Alibaba's library does."""

from __future__ import annotations

import importlib
import json
import os
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from hypothesis import strategies as st
from support.differential import meant

from dockcred.errors import DockcredError
from dockcred.providers.alibaba.machine import EcsRole
from dockcred.system.environment import Environment

ROLES = "/latest/meta-data/ram/security-credentials/"
KEYS = {"AccessKeyId": "STS.N", "AccessKeySecret": "s", "SecurityToken": "t"}
WHOLE = {"Code": "Success", **KEYS, "Expiration": "2126-01-01T00:00:00Z"}
DOCUMENTS = {
    "whole": json.dumps(WHOLE),
    "failed": json.dumps(WHOLE | {"Code": "Failed"}),
    "without an end": json.dumps({"Code": "Success", **KEYS}),
    "an end of another form": json.dumps(WHOLE | {"Expiration": "2126-01-01"}),
    "without a code": json.dumps(KEYS | {"Expiration": "2126-01-01T00:00:00Z"}),
    "no JSON": "<html>",
}
STATUSES = st.sampled_from([200] * 6 + [400, 403, 404, 405])


class Service(BaseHTTPRequestHandler):
    """A metadata service that answers as a test says."""

    def do_PUT(self) -> None:
        assert self.headers["X-aliyun-ecs-metadata-token-ttl-seconds"].isdecimal()
        self._say(self.server.order["token"], "the-token")

    def do_GET(self) -> None:
        order, token = self.server.order, self.headers["X-aliyun-ecs-metadata-token"]
        assert token in {None, "the-token"}
        status = order["with token"] if token else order["without token"]
        known = {ROLES: order["role"], ROLES + order["role"]: DOCUMENTS[order["keys"]]}
        if status == 200 and not known.get(self.path):
            status = 404
        self._say(status, known.get(self.path, ""))

    def _say(self, status: int, text: str) -> None:
        data = text.encode() if status == 200 else b"<html>no</html>"
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_) -> None:
        """Log nothing."""


@pytest.fixture
def service() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Service) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


ORDERS = st.fixed_dictionaries(
    {
        "token": STATUSES,
        "with token": STATUSES,
        "without token": STATUSES,
        "role": st.sampled_from(["r"] * 4 + ["ecs-role", ""]),
        "keys": st.sampled_from(["whole"] * 4 + [*DOCUMENTS]),
    }
)


def test_what_the_machine_has_is_what_the_library_finds(side_by_side, service) -> None:
    ecs = pytest.importorskip("alibabacloud_credentials.provider.ecs_ram_role")
    from alibabacloud_credentials.utils import auth_util

    os.environ.clear()  # the library reads it once, when it is imported
    importlib.reload(auth_util)
    where = f"127.0.0.1:{service.server_port}"

    def theirs(named: str, insists: bool) -> tuple[str, ...]:
        provider = ecs.EcsRamRoleCredentialsProvider(
            role_name=named, disable_imds_v1=insists, async_update_enabled=False
        )
        provider._EcsRamRoleCredentialsProvider__metadata_service_host = where
        try:
            found = provider.get_credentials()
        except Exception:  # noqa: BLE001 - it raises errors of any class
            return ()
        return (
            found.get_access_key_id(),
            found.get_access_key_secret(),
            found.get_security_token(),
        )

    def ours(named: str, insists: bool) -> tuple[str, ...]:
        variables = {"DOCKCRED_ALIBABA_METADATA": f"http://{where}"}
        variables["ALIBABA_CLOUD_ECS_METADATA"] = named
        variables["ALIBABA_CLOUD_IMDSV1_DISABLED"] = str(insists).lower()
        try:
            found = EcsRole(Environment(variables)).keys()
        except DockcredError:
            return ()
        return (found.access_key_id, found.secret, found.token)

    def compare(order, named, insists):
        service.order = order
        mine, library = ours(named, insists), theirs(named, insists)
        if mine and not library and "end" in order["keys"]:
            return meant("alibaba-keys-without-end")
        assert mine == library, (order, named, insists)
        return "keys" if mine else "nobody"

    named = st.sampled_from(["", "", "", "r", "another"])
    side_by_side(
        *(compare, ORDERS, named, st.booleans()),
        share=0.4,
        shows=lambda ends: ends["keys"] > 5,
    )
