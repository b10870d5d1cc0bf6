"""An API server with an audit log, which can create many namespaces."""

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
        """Return the user's requests, as audit events in the order of the answers."""
        found = []
        # The server may be writing the last line at this moment.
        for line in self._log.read_text().splitlines(keepends=True):
            if line.endswith("\n"):
                event = json.loads(line)
                if event["user"]["username"] == user:
                    found.append(event)
        return found

    def writes(self, secret: str) -> Counter[str]:
        """Return how many writes of the Secret succeeded, by namespace."""
        return Counter(
            event["objectRef"]["namespace"]
            for event in self._writing(secret)
            if event["responseStatus"]["code"] in {200, 201}
        )

    def attempts(self, secret: str) -> int:
        """Return how many writes of the Secret were requested, also failed ones."""
        return len(self._writing(secret))

    def _writing(self, secret: str) -> list[dict[str, Any]]:
        return [
            event
            for event in self.requests()
            if event["verb"] in {"create", "patch", "update"}
            and event.get("objectRef", {}).get("resource") == "secrets"
            # If a client goes before the server has read the body, no name is logged.
            and event["objectRef"].get("name", secret) == secret
        ]

    def versions(self, secret: str) -> Counter[str]:
        """Return how often etcd has written the Secret, by namespace.

        This is etcd's own count. It is right even if a client or the server was killed;
        the audit log is not. If the client is gone, the server logs 504, "context
        canceled", whether or not it has written, and 500 if it had not read the body.
        If the server itself is killed, it logs nothing of the requests under way. The
        count begins anew for a Secret that was deleted, which our role does not allow.
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
        """Create namespaces, over a few connections."""
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
