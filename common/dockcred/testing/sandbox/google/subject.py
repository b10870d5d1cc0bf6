"""An identity provider on the machine that issues subject tokens at a URL."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from dockcred.testing.sandbox.google import wire
from dockcred.testing.sandbox.messages import Request, Response
from dockcred.testing.sandbox.service import Reason, Refusal, Service

if TYPE_CHECKING:
    from dockcred.testing.sandbox.google import Google

PATH = "/subject-token"
HEADER = "X-Subject-Secret"


class SubjectTokens(Service):
    """A token for callers with the secret, as on GitHub's and Azure's runners."""

    name = "google-subject"
    near = True

    def __init__(self, google: Google) -> None:
        self._google = google

    def has_host(self, host: str) -> bool:  # noqa: ARG002 - it has no real host
        """See Service."""
        return False

    def recognises(self, request: Request) -> bool:
        """See Service."""
        return request.path == PATH

    def operation(self, request: Request) -> str:  # noqa: ARG002 - one operation
        """See Service."""
        return "token"

    def answer(self, request: Request, now: float) -> Response:
        """See Service."""
        if request.header(HEADER) != self._google.subject_secret:
            raise Refusal(Reason.DENIED, "the secret is missing or wrong")
        token = self._google.subject_token("wif-url", now)
        return Response(200, json.dumps({"value": token}).encode())

    def refuse(self, refusal: Refusal) -> Response:
        """See Service."""
        return wire.plain_error(refusal, {})
