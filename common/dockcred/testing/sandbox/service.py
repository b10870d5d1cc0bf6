"""What the sandbox asks of a cloud and its services, and how a service says no."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path
from typing import ClassVar, Protocol

from dockcred.testing.sandbox.messages import Request, Response


class Reason(Enum):
    """Why a request is refused; each service has its own words and status for it."""

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
    """A request that the real service would not serve either.

    `aws_code` is AWS's word for it, where it is not the one that goes with `reason`.
    """

    def __init__(self, reason: Reason, message: str, aws_code: str = "") -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.aws_code = aws_code


class Service(ABC):
    """One service of a cloud, found by host name or, on the loopback, by shape."""

    name: ClassVar[str]
    near: ClassVar[bool] = False
    """Whether it sits on the machine itself, as metadata services do."""

    @abstractmethod
    def has_host(self, host: str) -> bool:
        """Return whether this real host name is one of the service's."""

    @abstractmethod
    def recognises(self, request: Request) -> bool:
        """Return by its shape whether a request to the loopback is for the service."""

    @abstractmethod
    def operation(self, request: Request) -> str:
        """Return what the request asks for, as the counts show it."""

    @abstractmethod
    def answer(self, request: Request, now: float) -> Response:
        """Serve the request at `now`, epoch seconds, or raise Refusal."""

    @abstractmethod
    def refuse(self, refusal: Refusal) -> Response:
        """Return a refusal in the service's own wire shape."""


@dataclass(frozen=True, slots=True)
class Minted:
    """What a registry password stands for; `expires_at` in epoch seconds."""

    service: str
    region: str
    host: str
    account: str
    principal: str
    access_key_id: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class Subject:
    """The provider that a cloud is the other end of, as its contract meets it.

    `hosts` are registries of the provider's own; `nobody` and `somebody` are names of
    the cloud's identities: without one, and with one that the registries admit.
    """

    provider: str
    hosts: tuple[str, ...]
    nobody: str
    somebody: str


class Cloud(Protocol):
    """One cloud: a later one is a class like this and a line in Sandbox."""

    @property
    def subject(self) -> Subject:
        """Return what the contract of its provider is held with."""

    needs_tls: bool
    """Whether it is called by real host names, having no endpoint variables."""

    @property
    def services(self) -> Sequence[Service]:
        """Return its services; the first that claims a request serves it."""

    @property
    def identities(self) -> Mapping[str, Callable[..., dict[str, str]]]:
        """Return the ways to be somebody in it, each described by its docstring."""

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables."""

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password of this cloud stands for."""

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry of this name would let the password in."""
