"""An API server that writes down who has asked what, and many namespaces in it."""

from __future__ import annotations

import http.client
import json
import ssl
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

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
        """Answer how often the Secret of this name was written, by namespace."""
        return Counter(
            event["objectRef"]["namespace"]
            for event in self.requests()
            if event["verb"] in {"create", "patch", "update"}
            and event.get("objectRef", {}).get("resource") == "secrets"
            # A name that is in the body alone is in no audit log; see `one_name`.
            and event["objectRef"].get("name", secret) == secret
            and event["responseStatus"]["code"] in {200, 201}
        )

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
            "127.0.0.1", self.port, timeout=60, context=trust
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
