"""The verdict on a request: it works, it goes anonymously, or it is broken.

works      a credential is sent, and the registry takes it, or would as far as is known
anonymous  no credential is sent, and the registry does not refuse that
broken     the request fails, or what is configured for it gives no credential
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from dockcred.clients.entries import TOKEN
from dockcred.clients.findings import Severity
from dockcred.commands.findings import distinct, listed

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from dockcred.clients.findings import Finding
    from dockcred.clients.reference import Reference
    from dockcred.credential import Credential

    Following = Generator[Finding, None, "Sent"]

WORKS, ANONYMOUS, BROKEN = "works", "anonymous", "broken"
_FROM_THE_WORST = (BROKEN, ANONYMOUS, WORKS)
_SHORT = 2


@dataclass(frozen=True, slots=True)
class Sent:
    """What a client sends: `who` says in words whose credential, empty without one.

    `is_configured` says whether its files have anything for the registry. If no
    registry is followed, `who` lists the helpers and the files with logins.
    """

    who: str = ""
    is_configured: bool = False


def whose(credential: Credential | None) -> str:
    """Return whose credential is sent, in words; empty without a credential."""
    if credential is None:
        return ""
    is_token = credential.username == TOKEN
    return "an identity token" if is_token else f"the user {credential.username}"


def collected(following: Following, found: list[Finding]) -> Sent:
    """Add the findings to `found`; return what the client sends in the end."""
    while True:
        try:
            found.append(next(following))
        except StopIteration as end:
            sent: Sent = end.value
            return sent


@dataclass(frozen=True, slots=True)
class FollowedRequest:
    """One client's request as it was followed; without `counts` it only warns."""

    client: str
    findings: Sequence[Finding]
    sent: Sent
    counts: bool

    @property
    def verdict(self) -> str:
        """Return the verdict on this client's request."""
        if any(found.severity is Severity.ERROR for found in self.findings):
            return BROKEN
        return WORKS if self.sent.who else ANONYMOUS


class Examination:
    """Requests for one registry by several clients; without one, what they have."""

    def __init__(
        self,
        reference: Reference | None,
        requests: Sequence[FollowedRequest],
        about: Sequence[Finding],
        *,
        must_be_known: bool,
    ) -> None:
        """Keep the findings; `about` has those on identity and cache, common to all.

        `must_be_known` says that an anonymous request is a failure here. A fault of an
        identity that no request needs is only a warning.
        """
        self.reference = reference
        self.requests = requests
        self._must_be_known = must_be_known
        counted = {request.verdict for request in requests if request.counts}
        most = Severity.WARNING if counted == {WORKS} else Severity.ERROR
        self.about = [
            replace(found, severity=min(found.severity, most)) for found in about
        ]
        if any(found.severity is Severity.ERROR for found in self.about):
            counted.add(BROKEN)
        self.verdict = next(each for each in _FROM_THE_WORST if each in counted)

    @property
    def findings(self) -> list[Finding]:
        """Return all that was found, in the order of the requests."""
        found = [found for request in self.requests for found in request.findings]
        return [*found, *self.about]

    @property
    def problems(self) -> list[Finding]:
        """Return the problems, each cause once, the worst first."""
        return distinct(self.findings)

    @property
    def status(self) -> int:
        """Return the exit status: 1 if broken, or anonymous and that is forbidden."""
        is_refused = self.verdict == ANONYMOUS and self._must_be_known
        return int(self.verdict == BROKEN or is_refused)

    @property
    def name(self) -> str:
        """Return what was examined, as a person writes it."""
        return self.reference.name if self.reference else "this machine"

    def said(self) -> str:
        """Return the verdict in a sentence; for "broken" with the first cause."""
        if self.verdict == BROKEN:
            return f"{BROKEN}: {self.problems[0].text}"
        clients = [
            request
            for request in self.requests
            if request.counts and request.verdict == self.verdict
        ]
        names = " and ".join(listed([request.client for request in clients]))
        s = "" if len(clients) >= _SHORT else "s"
        first = clients[0]
        if self.reference is None:
            return f"{self.verdict}: {_machine(names, s, first.sent.who)}"
        who, where = first.sent.who, self.reference.authority
        if self.verdict == WORKS:
            text = f"{names} show{s} {where} {who}"
        else:
            text = f"{names} ask{s} {self.name} as nobody"
        return f"{self.verdict}: {text}{self._taken(first, where)}"

    def _taken(self, request: FollowedRequest, where: str) -> str:
        """Return, in words, whether the registry takes it, or how to find out."""
        is_known = any(
            found.step == "registry" and found.severity is Severity.FINE
            for found in request.findings
        )
        what = "takes" if request.sent.who else "allows"
        if is_known:
            text = f", which it {what}"
        else:
            text = f"; whether it {what} that says dockcred doctor {where}/REPOSITORY"
        if self.verdict == ANONYMOUS and self._must_be_known:
            text += "; anonymous = false wants a credential"
        return text

    def document(self) -> str:
        """Return the examination as JSON, the findings in the order of the requests."""
        clients = [
            {
                "client": request.client,
                "verdict": request.verdict,
                "user": request.sent.who or None,
                "counts": request.counts,
            }
            for request in self.requests
        ]
        found: dict[str, Any] = {
            "name": self.name,
            "verdict": self.verdict,
            "status": self.status,
            "said": self.said(),
            "clients": clients,
            "findings": [found.document() for found in self.findings],
        }
        return json.dumps(found, indent=2)


def _machine(names: str, s: str, who: str) -> str:
    if who:
        return f"{names} ask{s} {who}; of one registry says dockcred doctor HOST"
    return f"{names} {'have' if not s else 'has'} no helper and no login"
