"""The managed identities of a machine, and how a request chooses one."""

from __future__ import annotations

from dockcred.testing.sandbox.azure.directory import Principal
from dockcred.testing.sandbox.service import Reason, Refusal


class Machine:
    """The assigned identities; a test changes them as an administrator would."""

    def __init__(self) -> None:
        self.system: Principal | None = None
        self.users: list[Principal] = []

    def chosen(self, parameters: dict[str, str], names: dict[str, str]) -> Principal:
        """Return the identity that a request names, or raise Refusal.

        `names` maps each parameter to the attribute of a principal that it holds.
        """
        given = {name: parameters[name] for name in names if name in parameters}
        if len(given) > 1:
            raise Refusal(Reason.INVALID, "Only one id may choose the identity")
        if not given:
            return self._only()
        ((name, value),) = given.items()
        everyone = [p for p in (self.system, *self.users) if p is not None]
        for principal in everyone:
            if getattr(principal, names[name]).lower() == value.lower():
                return principal
        raise Refusal(Reason.INVALID, "Identity not found")

    def _only(self) -> Principal:
        if self.system is not None:
            return self.system
        if len(self.users) > 1:
            named = ", ".join(user.client_id for user in self.users)
            raise Refusal(
                Reason.INVALID,
                "Multiple user assigned identities exist, please specify the clientId "
                f"/ resourceId of the identity in the token request: {named}",
            )
        if not self.users:
            raise Refusal(Reason.INVALID, "Identity not found")
        return self.users[0]
