"""The interfaces of a cloud and its services, and the reasons of a refusal."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import ClassVar, Protocol

from dockcred.testing.sandbox.messages import Request, Response


class Reason(Enum):
    """Why a request is refused; each service has its own message and status for it."""

    UNSIGNED = auto()
    MALFORMED = auto()
    UNKNOWN_KEY = auto()
    BAD_SIGNATURE = auto()
    EXPIRED = auto()
    DENIED = auto()
    THROTTLED = auto()
    BROKEN = auto()
    INVALID = auto()
    BAD_IDENTITY_TOKEN = auto()
    EXPIRED_IDENTITY_TOKEN = auto()
    UNKNOWN_OPERATION = auto()


class Refusal(Exception):  # noqa: N818 - a service's answer, not a defect
    """A request that the real service would refuse, too.

    `aws_code` is AWS's error code, if it is not the usual one of `reason`.
    """

    def __init__(self, reason: Reason, message: str, aws_code: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.aws_code = aws_code


class Service(ABC):
    """One service of a cloud, found by host name, or on loopback by the request."""

    name: ClassVar[str]
    near: ClassVar[bool] = False
    """Whether the service is on the machine itself, like metadata services."""

    @abstractmethod
    def has_host(self, host: str) -> bool:
        """Return whether the service has this real host name."""

    @abstractmethod
    def recognises(self, request: Request) -> bool:
        """Return whether the form of a request on the loopback is this service's."""

    @abstractmethod
    def operation(self, request: Request) -> str:
        """Return the name of the requested operation, for the counts."""

    @abstractmethod
    def answer(self, request: Request, now: float) -> Response:
        """Return the response at `now` (epoch seconds), or raise Refusal."""

    @abstractmethod
    def refuse(self, refusal: Refusal) -> Response:
        """Return the response for a refusal in the service's own format."""


@dataclass(frozen=True, slots=True)
class Minted:
    """What a registry password was issued for; `expires_at` in epoch seconds."""

    service: str
    region: str
    host: str
    account: str
    principal: str
    access_key_id: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Subject:
    """The provider that a cloud serves, with data for the provider's contract.

    `hosts` are registries of the provider. `nobody` and `somebody` are identities of
    the cloud: one without credentials, and one that the registries accept.
    """

    provider: str
    hosts: tuple[str, ...]
    nobody: str
    somebody: str


class Cloud(Protocol):
    """One cloud. A further cloud is a class like this, and an entry in Sandbox."""

    @property
    def subject(self) -> Subject:
        """Return the data for the contract of its provider."""

    needs_tls: bool
    """Whether clients need its real host names, as it has no endpoint variables."""

    @property
    def services(self) -> Sequence[Service]:
        """Return its services; the first that recognises a request serves it."""

    @property
    def identities(self) -> Mapping[str, Callable[..., dict[str, str]]]:
        """Return the identities; the docstring of each describes it."""

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password was issued for; None if it is unknown."""

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
