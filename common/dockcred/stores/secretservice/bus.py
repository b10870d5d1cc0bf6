"""Call the Secret Service over D-Bus with jeepney, with a timeout for each call."""

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

from dockcred.stores.problems import KeychainAbsentError, KeychainLockedError
from dockcred.stores.secretservice.names import (
    INTERFACE,
    MAX_WAIT_S,
    NOTHING,
    ROOT,
    SERVICE,
    UNLOCK,
    WAITING,
    bounded,
    bus_gone,
    no_answer,
    refusal,
)
from dockcred.system import process

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from jeepney import Message


class SecretBus:
    """Calls to the Secret Service on one session bus."""

    _connection: Any = None

    def __init__(self, address: str, *, can_prompt: bool) -> None:
        """Connect to the bus; `can_prompt` is True if there is a display.

        Raises KeychainAbsentError if the bus cannot be reached.
        """
        self._can_prompt = can_prompt
        process.set_activity("waiting for the D-Bus session bus")
        try:
            self._connection = open_dbus_connection(address)
        except (OSError, RuntimeError, ValueError) as error:
            raise KeychainAbsentError(
                f"the D-Bus session bus cannot be reached ({type(error).__name__})",
                "log in to a desktop session, or run 'dockcred vault create' "
                "for a vault that needs none",
            ) from None

    def __del__(self) -> None:
        """Close the connection to the bus."""
        if self._connection:
            self._connection.close()

    def call(
        self,
        path: str,
        method: str,
        signature: str = "",
        *body: object,
        interface: str = "Service",
    ) -> tuple[Any, ...]:
        """Call a method of the Secret Service and return its results."""
        address = DBusAddress(path, SERVICE, f"{INTERFACE}.{interface}")
        return self._ask(
            new_method_call(address, method, signature or None, body), MAX_WAIT_S
        )

    def property(self, path: str, interface: str, name: str) -> Any:
        """Return a property's value."""
        address = DBusAddress(path, SERVICE, f"{INTERFACE}.{interface}")
        ((_, value),) = self._ask(Properties(address).get(name), MAX_WAIT_S)
        return value

    def unlock(self, paths: list[str]) -> None:
        """Unlock these objects, with a prompt if necessary.

        Raises KeychainLockedError if they stay locked.
        """
        unlocked, prompt = self.call(ROOT, "Unlock", "ao", paths)
        if prompt != NOTHING:
            self.prompt(prompt)
        elif not set(paths) <= set(unlocked):
            raise KeychainLockedError("the keyring stays locked", UNLOCK)

    def prompt(self, path: str) -> Any:
        """Show a prompt and return its result.

        Raises KeychainLockedError without a display, if the person dismisses the
        prompt, or after a timeout.
        """
        if not self._can_prompt:
            self.call(path, "Dismiss", interface="Prompt")
            raise KeychainLockedError(
                "the keyring is locked and there is no display to ask for its password",
                UNLOCK,
            )
        process.set_activity("waiting for the keyring's password to be typed")
        process.person_s()
        completed = MatchRule(
            type="signal",
            interface=f"{INTERFACE}.Prompt",
            member="Completed",
            path=path,
        )
        self._ask(message_bus.AddMatch(completed), MAX_WAIT_S)
        with self._connection.filter(completed) as answers:
            self.call(path, "Prompt", "s", "", interface="Prompt")
            try:
                signal = self._connection.recv_until_filtered(
                    answers, timeout=bounded(process.PERSON_S)
                )
            except TimeoutError:
                raise KeychainLockedError(
                    "the keyring is locked and its password was not typed in time",
                    f"{UNLOCK}, or raise DOCKCRED_TIMEOUT",
                ) from None
        dismissed, (_, result) = signal.body
        if dismissed:
            raise KeychainLockedError("the keyring is locked, and stays so", UNLOCK)
        return result

    def _ask(self, message: Message, seconds: float) -> tuple[Any, ...]:
        process.set_activity(WAITING)
        limit_s = bounded(seconds)
        try:
            reply = self._connection.send_and_get_reply(message, timeout=limit_s)
        except TimeoutError:
            raise no_answer(limit_s) from None
        except OSError as error:
            raise bus_gone(error) from None
        if reply.header.message_type is MessageType.error:
            raise refusal(reply.header.fields.get(HeaderFields.error_name, ""))
        body: tuple[Any, ...] = reply.body
        return body
