"""The D-Bus conversation with the Secret Service, every answer bounded in time.

https://specifications.freedesktop.org/secret-service-spec/latest/
"""

from __future__ import annotations

from jeepney import (
    DBusAddress,
    HeaderFields,
    MatchRule,
    MessageType,
    Properties,
    message_bus,
    new_method_call,
)
from jeepney.io.blocking import open_dbus_connection

from dockcred import watchdog
from dockcred.stores.problems import (
    KeychainAbsentError,
    KeychainError,
    KeychainLockedError,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from jeepney import Message

SERVICE = "org.freedesktop.secrets"
ROOT = "/org/freedesktop/secrets"
NOTHING = "/"
_DBUS = "org.freedesktop.DBus.Error."
_ABSENT = frozenset(
    (f"{_DBUS}ServiceUnknown", f"{_DBUS}NameHasNoOwner", f"{_DBUS}Spawn.ExecFailed")
)
_GONE = frozenset(
    ("org.freedesktop.Secret.Error.NoSuchObject", f"{_DBUS}UnknownObject")
)
_LOCKED = "org.freedesktop.Secret.Error.IsLocked"
_MAX_WAIT_S = 5.0
_MAX_PROMPT_S = 120.0
_LAST_WORDS_S = 0.5

UNLOCK = (
    "unlock it on the desktop, or run 'gnome-keyring-daemon --replace --unlock' with "
    "the keyring's password on stdin"
)


class ObjectGoneError(KeychainError):
    """The item or collection is no longer there."""


class SecretBus:
    """Calls to the Secret Service on one session bus."""

    def __init__(self, address: str, *, can_prompt: bool) -> None:
        """Connect to the bus; `can_prompt` tells that there is a display."""
        self._can_prompt = can_prompt
        watchdog.doing("waiting for the D-Bus session bus")
        try:
            self._connection = open_dbus_connection(address)
        except (OSError, RuntimeError, ValueError) as error:
            raise KeychainAbsentError(
                f"the D-Bus session bus cannot be reached ({type(error).__name__})",
                "log in to a desktop session, or run 'dockcred vault create' "
                "for a vault that needs none",
            ) from None

    def call(
        self,
        path: str,
        method: str,
        signature: str = "",
        *body: object,
        interface: str = "Service",
    ) -> tuple[Any, ...]:
        """Call a method of the Secret Service and answer what it returns."""
        address = DBusAddress(path, SERVICE, f"org.freedesktop.Secret.{interface}")
        return self._ask(
            new_method_call(address, method, signature or None, body), _MAX_WAIT_S
        )

    def property(self, path: str, interface: str, name: str) -> Any:
        """Answer a property's value."""
        address = DBusAddress(path, SERVICE, f"org.freedesktop.Secret.{interface}")
        ((_, value),) = self._ask(Properties(address).get(name), _MAX_WAIT_S)
        return value

    def unlock(self, paths: list[str]) -> None:
        """Unlock these objects, by a prompt where there is a display."""
        unlocked, prompt = self.call(ROOT, "Unlock", "ao", paths)
        if prompt != NOTHING:
            self.prompt(prompt)
        elif not set(paths) <= set(unlocked):
            raise KeychainLockedError("the keyring stays locked", UNLOCK)

    def prompt(self, path: str) -> Any:
        """Show a prompt and answer its result; KeychainLockedError if dismissed."""
        if not self._can_prompt:
            self.call(path, "Dismiss", interface="Prompt")
            raise KeychainLockedError(
                "the keyring is locked and there is no display to ask for its password",
                UNLOCK,
            )
        watchdog.doing("waiting for the keyring's password to be typed")
        completed = MatchRule(
            type="signal",
            interface="org.freedesktop.Secret.Prompt",
            member="Completed",
            path=path,
        )
        self._ask(message_bus.AddMatch(completed), _MAX_WAIT_S)
        with self._connection.filter(completed) as answers:
            self.call(path, "Prompt", "s", "", interface="Prompt")
            try:
                signal = self._connection.recv_until_filtered(
                    answers, timeout=_bounded(_MAX_PROMPT_S)
                )
            except TimeoutError:
                raise KeychainLockedError(
                    "the keyring is locked and its password was not typed in time",
                    UNLOCK,
                ) from None
        dismissed, (_, result) = signal.body
        if dismissed:
            raise KeychainLockedError("the keyring is locked, and stays so", UNLOCK)
        return result

    def _ask(self, message: Message, seconds: float) -> tuple[Any, ...]:
        watchdog.doing("waiting for the keyring service, which does not answer")
        try:
            reply = self._connection.send_and_get_reply(
                message, timeout=_bounded(seconds)
            )
        except TimeoutError:
            raise KeychainError(
                f"the keyring service does not answer (waited {seconds:g} s)",
                "look for an unlock prompt on the desktop, or restart the service",
            ) from None
        except OSError as error:
            raise KeychainError(
                f"the D-Bus session bus went away ({type(error).__name__})",
                "log in to the desktop session again",
            ) from None
        if reply.header.message_type is MessageType.error:
            raise _refusal(reply.header.fields.get(HeaderFields.error_name, ""))
        body: tuple[Any, ...] = reply.body
        return body


def _bounded(seconds: float) -> float:
    """Leave the last words of the whole call their time."""
    return max(0.1, min(seconds, watchdog.remaining_s() - _LAST_WORDS_S))


def _refusal(name: str) -> KeychainError:
    if name in _ABSENT:
        return KeychainAbsentError(
            "no program on the D-Bus session bus keeps secrets",
            "start gnome-keyring, KWallet or KeePassXC, or run "
            "'dockcred vault create' for a vault that needs none",
        )
    if name in _GONE:
        return ObjectGoneError("the keyring's item is no longer there", "try again")
    if name == _LOCKED:
        return KeychainLockedError("the keyring is locked", UNLOCK)
    if name == f"{_DBUS}NoReply":
        return KeychainError(
            "the keyring service ended while it was asked", "start it again"
        )
    return KeychainError(f"the keyring service refused with {name or 'an error'}")
