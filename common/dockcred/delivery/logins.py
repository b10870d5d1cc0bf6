"""The credentials of one process: each minted once, however many targets want it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

from dockcred import environment, lifetime
from dockcred.api import Policy
from dockcred.errors import DockcredError
from dockcred.rendering.login import Login
from dockcred.rendering.resolving import resolve_logins


class Logins:
    """Logins in the first half of their life, or the best that can be had.

    `trouble` is why the last call could not answer all of them so, None if it could.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[str, Policy], Login] = {}
        self.trouble: DockcredError | None = None

    def fresh(self, registries: Sequence[str], policy: Policy) -> list[Login]:
        """Answer a login for each registry; raise DockcredError where there is none.

        dockcred's cache may answer, but not with what is past its half: that is
        minted anew, and answered as it is only where minting fails.
        """
        self.trouble = None
        self._ask(self._aged(registries, policy), policy, policy)
        aged = [
            name
            for name in self._aged(registries, policy)
            if self._found[name, policy].credential.expires_at is not None
        ]
        try:
            self._ask(aged, policy, replace(policy, cache=False))
        except DockcredError as error:
            self.trouble = error
        return [self._found[name, policy] for name in registries]

    def _ask(self, registries: list[str], policy: Policy, how: Policy) -> None:
        if not registries:
            return
        # Nobody needs the cache refreshed as well.
        variables = environment.current().with_values({"DOCKCRED_REFRESH": "off"})
        for login in resolve_logins(
            registries, policy=how, environment=variables.set_values()
        ):
            self._found[login.registry, policy] = login

    def _aged(self, registries: Iterable[str], policy: Policy) -> list[str]:
        """Answer those that are unknown, endless, or past the half of their life."""
        # Records are in whole seconds: what is due by them must not pass for fresh.
        soon = time.time() + 1
        return [
            name
            for name in registries
            if (found := self._found.get((name, policy))) is None
            or lifetime.age(found.credential, soon) != lifetime.FRESH
        ]
