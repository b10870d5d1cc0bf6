"""A world for a scene, and questions that fail if the cache changes an answer."""

from __future__ import annotations

from . import names as registries
from .cast import Cast
from .questions import AskedWorld


class NoticedError(AssertionError):
    """An answer differs from that without a cache."""


class Stage:
    """A world, and questions that fail if the cache changes an answer."""

    def __init__(self, cast: Cast, disk: str = "fine") -> None:
        self.world = AskedWorld(cast, disk, disk, "DOCKCRED_CACHE_DIR")
        self.shells = tuple(cast.shells)
        self.ecr, self.acr, self.google = cast.registries
        self.users = [user.client_id for user in cast.people[0].users]

    def ask(self, cloud: registries.Cloud, name: str, *ways: str) -> list[str]:
        """Ask in some ways; return who answered in each: a front or Python."""
        found = []
        for way in ways or ("launched", "launched", *self.shells, "plain"):
            answer, by = self.world.ask(cloud, name, way)
            wrong = self.world.wrong(cloud, name, answer)
            if wrong:
                raise NoticedError(f"{by}, {name}: {wrong}")
            found.append(by)
        return found

    def prime(self, cloud: registries.Cloud, name: str) -> None:
        """Run gets until there is a ticket from which each front answers."""
        answered = self.ask(cloud, name)
        for shell in self.shells:
            if f"front in {shell}" not in answered:
                raise NoticedError(f"no front answers {name}: {answered}")

    def say(
        self, which: str, *entries: registries.Entry, how: str = "in place"
    ) -> None:
        """Write a configuration file."""
        self.world.configure(which, registries.text_of(entries), how)


def two_settings(cloud: registries.Cloud) -> tuple[str, str]:
    """Return two settings with which an alias has different answers."""
    return cloud.settings[0], cloud.settings[1]
