"""Who serves a host that a variable means by its name, where nobody has said otherwise.

The names are docker's, GitLab's and other helpers': see each provider's `by_variables`.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from dockcred.credential import ServerURL
    from dockcred.identity.provider import Provider
    from dockcred.system.environment import Environment

ORDER = ("secret", "oidc")
"""The providers that others' names may mean, a password before a job's token."""

_OF_ANYBODY = frozenset({"login", "anonymous", "on_miss"})
"""Settings that do not say who one is."""


def meant(
    providers: Iterable[Provider],
    asked: tuple[ServerURL, Environment],
    said: Collection[str],
    named: Callable[[], Iterable[str]],
) -> tuple[Provider, dict[str, str]] | None:
    """Return the first of these that a variable means, and what it sets.

    `said` are the settings of the host's own entry in config.toml, which go before;
    `named` the hosts that some file names.
    """
    if not _OF_ANYBODY.issuperset(said):
        return None
    found = (each.by_variables(*asked, named) for each in providers)
    return next(filter(None, found), None)
