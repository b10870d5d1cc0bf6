"""A Nomad variable for one task's `auth` block, as `nomad var put -in=json -` reads.

Its items are server_address, username and password; --name is its path, such as
nomad/jobs/app. The docker plugin's own `auth { config }` reads docker-config.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence

from dockcred.errors import InvalidInputError
from dockcred.rendering import entries
from dockcred.rendering.login import Login
from dockcred.rendering.options import Options

FILE = "spec.nv.json"
TAKES = ("name",)
READERS: tuple[str, ...] = ()
_PATH = re.compile(r"[A-Za-z0-9_~/-]{1,128}")


def render(logins: Sequence[Login], options: Options) -> bytes:
    """Write the variable; without a name its path is given to nomad."""
    entries.refuse_tokens(logins, "Nomad's docker driver")
    login = entries.only(logins, "an auth block")
    variable: dict[str, object] = {}
    if options.name:
        if not _PATH.fullmatch(options.name):
            raise InvalidInputError(
                f"{options.name!a} is no path of a variable",
                "use letters, digits, -, _, ~ and /",
            )
        variable["Path"] = options.name
    variable["Items"] = {
        "server_address": login.reference.containers_key,
        "username": login.credential.username,
        "password": login.credential.secret,
    }
    return (json.dumps(variable, indent=2) + "\n").encode()
