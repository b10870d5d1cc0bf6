"""An API server that writes down who has asked what, and many namespaces in it."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from support.program import BUSY_S

from .api_server import ADMIN, ApiServer

ACCOUNT = "system:serviceaccount:dockcred:dockcred-refresh"
_POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived"],
    "omitManagedFields": True,
    "rules": [{"level": "Metadata"}],
}
_HANDS = 4


class Audited(ApiServer):
    """An API server with an audit log."""

    def __init__(self, directory: Path, *flags: str) -> None:
        policy = directory / "policy.json"
        policy.write_text(json.dumps(_POLICY))
        self._log = directory / "audit.log"
        super().__init__(
            directory,
            *("--audit-policy-file", str(policy)),
            *("--audit-log-path", str(self._log)),
            *flags,
        )

    def requests(self, user: str = ACCOUNT) -> list[dict[str, Any]]:
        """Answer what this user has asked, in the order of the answers."""
        found = []
        # What the server is writing at this moment is no whole line yet.
        for line in self._log.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                event = json.loads(line)
                if event["user"]["username"] == user:
                    found.append(event)
        return found

    def writes(self, secret: str) -> Counter[str]:
        """Answer how often writing the Secret was granted, by namespace."""
        return Counter(
            event["objectRef"]["namespace"]
            for event in self._writing(secret)
            if event["responseStatus"]["code"] in {200, 201}
        )

    def attempts(self, secret: str) -> int:
        """Answer how often writing the Secret was asked for, whatever was answered."""
        return len(self._writing(secret))

    def _writing(self, secret: str) -> list[dict[str, Any]]:
        return [
            event
            for event in self.requests()
            if event["verb"] in {"create", "patch", "update"}
            and event.get("objectRef", {}).get("resource") == "secrets"
            # Who was away before the server had read the body has named none.
            and event["objectRef"].get("name", secret) == secret
        ]

    def versions(self, secret: str) -> Counter[str]:
        """Answer how often etcd has written the Secret, by namespace: its own count.

        It holds whoever was killed, which the audit log does not. Of a client that is
        gone the server says 504, "context canceled", whatever it has written; 500
        where it had not read the body; and nothing of what it had under way as it was
        killed itself. The count begins anew with a Secret that was deleted, which our
        role does not allow.
        """
        prefix, end = b"/registry/secrets/", b"/registry/secrets0"
        asked = {"key": _coded(prefix), "range_end": _coded(end), "keys_only": True}
        found = Counter()
        for each in self._etcd("range", asked).get("kvs", ()):
            namespace, _, name = (
                base64.b64decode(each["key"])
                .removeprefix(prefix)
                .decode()
                .partition("/")
            )
            if name == secret:
                found[namespace] = int(each["version"])
        return found

    def create_namespaces(self, names: Sequence[str], labels: dict[str, str]) -> None:
        """Make them, over a few connections."""
        bodies = [
            json.dumps({"kind": "Namespace", "metadata": {"name": n, "labels": labels}})
            for n in names
        ]
        with ThreadPoolExecutor(_HANDS) as pool:
            list(pool.map(self._post, [bodies[each::_HANDS] for each in range(_HANDS)]))

    def _post(self, bodies: list[str]) -> None:
        trust = ssl.create_default_context(cafile=self.certificate)
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self.port, timeout=BUSY_S, context=trust
        )
        headers = {
            "Authorization": f"Bearer {ADMIN}",
            "Content-Type": "application/json",
        }
        for body in bodies:
            connection.request("POST", "/api/v1/namespaces", body, headers)
            answer = connection.getresponse()
            said = answer.read()
            assert answer.status == 201, said
        connection.close()


def _coded(key: bytes) -> str:
    return base64.b64encode(key).decode()
