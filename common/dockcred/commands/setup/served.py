"""Who will serve a registry when all steps of a plan are done."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from dockcred.clients import files
from dockcred.commands import install, shape
from dockcred.commands.known import Survey

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from dockcred.commands.setup.survey import Surroundings

HELPER = "auto"
KEEPER = "keyring"


class Served(NamedTuple):
    """Who will serve a registry: `identity` in words, asked at its `source`."""

    registry: str
    helper: str
    identity: str
    source: str


class After:
    """A machine after a plan: `profiles` by accounts, `moved` keys that ask us then.

    `typed` are registries whose login answers before an identity.
    """

    def __init__(
        self,
        machine: Surroundings,
        profiles: Mapping[str, str],
        moved: Collection[str],
        typed: Collection[str],
    ) -> None:
        """Hold what the plan changes."""
        self._machine = machine
        self._profiles = profiles
        self._dead = moved
        self._typed = typed
        self._surveys: dict[str, Survey] = {}

    def served(self, name: str) -> Served:
        """Return who will serve a registry when all steps are done."""
        machine = self._machine
        known = self._known(name).describe(name)
        helper = files.PREFIX + HELPER
        for use in known.clients:
            stays = use.is_installed and use.key.startswith("credHelpers")
            if use.client != "docker" or not stays or name in self._dead:
                continue
            helper = use.helper
            if not install.is_ours(files.chosen(helper, machine.path), helper):
                return Served(name, helper, "", helper)
        if name in self._typed:
            helper = files.PREFIX + KEEPER
        if name in self._typed or known.state in {
            shape.NOBODY,
            shape.IN_CLEAR,
            shape.OTHERS,
        }:
            for login in machine.logins:
                if login.name == name and machine.is_moved(login):
                    source = f"keychain:{machine.store}"
                    return Served(name, helper, login.user, source)
                if login.name == name:
                    return Served(name, "", login.user, f"file:{login.origin.path}")
        who = ", ".join(f"{key} {value}" for key, value in known.answerer.who.items())
        if known.problem:
            who = known.problem.cause
        return Served(name, helper, who or known.answerer.user, known.answerer.source)

    def _known(self, name: str) -> Survey:
        """Return what is known once config.toml names the profile of an account."""
        profile = self._profiles.get(name.partition(".")[0])
        if not profile:
            return self._machine.known
        if profile not in self._surveys:
            chosen = {"DOCKCRED_AWS_PROFILE": profile}
            self._surveys[profile] = Survey(self._machine.variables.with_values(chosen))
        return self._surveys[profile]
