"""`credential-helpers` of registries.conf: podman, skopeo and buildah ask them in turn.

The list has the built-in helper `containers-auth.json` where it is not set; it comes
behind ours, so that a login kept in a file serves where the helper has nothing.
"""

from __future__ import annotations

import os

from dockcred.environment import Environment
from dockcred.errors import InvalidInputError
from dockcred.outputs import toml_text
from dockcred.outputs.edit import ABSENT, Wanted

FILES = "containers-auth.json"
KEY = ("credential-helpers",)


def paths(variables: Environment) -> list[str]:
    """Answer the places, the one to be written first.

    A registries.conf of the user's hides the system's whole, so none is made: where
    there is none, a drop-in of ours adds to the system's.
    """
    if named := variables.get("CONTAINERS_REGISTRIES_CONF"):
        return [named]
    # Not $XDG_CONFIG_HOME: containers/image looks below the home directory only.
    directory = f"{variables.home()}/.config/containers"
    users = f"{directory}/registries.conf"
    drop_in = f"{directory}/registries.conf.d/99-dockcred.conf"
    return [users, drop_in] if os.path.exists(users) else [drop_in, users]


def ask_always(text: str, helper: str) -> list[Wanted]:
    """Have the helper asked first for every registry."""
    there = toml_text.get(text, KEY)
    if there is ABSENT:
        there = [FILES]
    if not isinstance(there, list):
        raise InvalidInputError("its credential-helpers is no list", "mend it first")
    return [Wanted(KEY, [helper, *(name for name in there if name != helper)])]
