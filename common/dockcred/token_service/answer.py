"""What answers a request for a token: our rules, or the provider behind us."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from dockcred.token_service.request import TokenRequest


@dataclass(frozen=True)
class Answer:
    """The reply to the client, and what the log is told of it."""

    reply: dict[str, Any] = field(repr=False)
    told: dict[str, Any]


class Authority(Protocol):
    """Says what who asks may do."""

    async def answer(self, request: TokenRequest) -> Answer:
        """Answer, or raise Refusal."""

    def begin(self) -> None:
        """Fetch ahead, in the running loop, what the first request will need."""

    def check(self) -> None:
        """Raise DockcredError where it could answer nobody."""
