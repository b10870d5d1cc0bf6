"""Secrets of one name in several namespaces, chosen by name and by label."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dockcred.commands.refresh.cluster import Cluster, namespaces_with, secrets_named
from dockcred.commands.refresh.follow import Followed
from dockcred.commands.refresh.secret import Secret, Seen
from dockcred.commands.refresh.target import Follower, Report
from dockcred.errors import RefusedError


@dataclass(frozen=True)
class SecretsDestination:
    """The Secrets of one name.

    `key` is the key of the content in `data`; it is "" if the rendering is a whole
    Secret. `namespaces` are chosen by name; `selector` chooses more by label. `rollout`
    are workloads of the same namespace, as (kind, name), that restart after each
    change.
    """

    name: str
    key: str = ""
    namespaces: tuple[str, ...] = ()
    selector: str = ""
    rollout: tuple[tuple[str, str], ...] = ()

    @property
    def grows(self) -> bool:
        """Return whether new namespaces may appear without a change to the target."""
        return bool(self.selector)

    @property
    def is_shared(self) -> bool:
        """Return True: all replicas write to one cluster."""
        return True

    def overlaps(self, other: object) -> bool:
        """Return if both have this name in one namespace, or may by a label."""
        if not isinstance(other, SecretsDestination) or other.name != self.name:
            return False
        together = set(self.namespaces) & set(other.namespaces)
        return bool(self.selector or other.selector or together)

    def places(self) -> Sequence[Secret]:
        """Return the Secret of each namespace; asks the API server."""
        cluster = Cluster()
        if not self.selector:
            return self.in_namespaces(cluster, self.namespaces, None)
        found = cluster.namespaces(self.selector)
        known = None
        with suppress(RefusedError):
            listed, _ = cluster.listed(secrets_named(self.name))
            known = {each["namespace"]: Seen.of(each) for each in listed}
        return self.in_namespaces(cluster, (*self.namespaces, *found), known)

    def in_namespaces(
        self,
        cluster: Cluster,
        namespaces: Iterable[str],
        known: dict[str, Seen] | None,
    ) -> Sequence[Secret]:
        """Return a Secret for each namespace; `known` is None if we may not list."""
        return [Secret(self, cluster, each, known) for each in sorted(set(namespaces))]

    def follow(self, wake: Callable[[], object], warn: Report) -> Follower | None:
        """Return a follower of the namespaces; None if there is no selector."""
        return FollowedSecrets(self, wake, warn) if self.selector else None


class FollowedSecrets:
    """The Secrets of a destination whose namespaces and Secrets are watched.

    Other threads call `wake` when a namespace is new, when a Secret is gone, or when
    the server is back.
    """

    def __init__(
        self, which: SecretsDestination, wake: Callable[[], object], warn: Report
    ) -> None:
        self._which = which
        self._wake = wake
        self._warn = warn
        self._news: bool | None = None
        self._lock = threading.Lock()
        self._is_told = False
        self._namespaces = Followed(
            namespaces_with(which.selector), lambda _: None, self._one, self._back, warn
        )
        self._secrets = Followed(
            secrets_named(which.name), Seen.of, self._other, self._back, warn
        )

    def places(self) -> Sequence[Secret]:
        """Return the Secret of each namespace, as watched; sends no request."""
        namespaces = self._namespaces.all()
        known = None
        try:
            known = self._secrets.all()
        except RefusedError as error:
            self._tell(f"{error} (until then each is asked for by itself)")
        named = (*self._which.namespaces, *tuple(namespaces))
        return self._which.in_namespaces(Cluster(), named, known)

    def take_news(self) -> bool | None:
        """Return None without news; else whether failed places may work again."""
        with self._lock:
            news, self._news = self._news, None
        return news

    def stop(self) -> None:
        """Stop both watches."""
        self._namespaces.stop()
        self._secrets.stop()

    def _one(self, is_new: bool, _is_gone: bool) -> None:
        if is_new:
            self._tell_news(is_back=False)

    def _other(self, _is_new: bool, is_gone: bool) -> None:
        if is_gone:
            self._tell_news(is_back=False)

    def _back(self) -> None:
        self._tell_news(is_back=True)

    def _tell_news(self, *, is_back: bool) -> None:
        with self._lock:
            self._news = bool(self._news) or is_back
        self._wake()

    def _tell(self, said: str) -> None:
        if not self._is_told:
            self._is_told = True
            self._warn(said)
