"""registries.conf for a command whose own would pass auth.json over, or ask it late.

CONTAINERS_REGISTRIES_CONF hides every other file, so all of them are joined here, as
containers/image joins them (pkg/sysregistriesv2).
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError
from dockcred.lookup import containers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dockcred.environment import Environment


def with_files_first(variables: Environment, *, only: bool) -> str:
    """Answer a text whose credential-helpers begin with the files; "" for no need."""
    helpers = containers.helpers(variables)
    if helpers[0] == containers.AUTH_FILES:
        return ""
    import tomlkit  # noqa: PLC0415 - few need it

    joined = _joined(variables)
    rest = [name for name in helpers if name != containers.AUTH_FILES and not only]
    joined["credential-helpers"] = [containers.AUTH_FILES, *rest]
    return tomlkit.dumps(joined)


def _joined(variables: Environment) -> dict[str, Any]:
    """Join the files: of two that name a registry, an alias or a setting, the later.

    Raises InvalidInputError for what podman refuses as well.
    """
    joined: dict[str, Any] = {}
    mirrored: dict[str, Any] = {}
    aliases: dict[str, Any] = {}
    for content in containers.read_registries(variables):
        try:
            for table in content.pop("registry", []):
                mirrored[table.get("prefix") or table.get("location", "")] = table
            aliases |= content.pop("aliases", {})
        except (AttributeError, TypeError):
            raise InvalidInputError(
                "registries.conf has a registry or an alias that is no table",
                "mend it; podman says where",
            ) from None
        joined |= content
    if mirrored:
        joined["registry"] = list(mirrored.values())
    if aliases:
        joined["aliases"] = aliases
    return joined
