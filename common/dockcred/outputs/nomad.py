"""Nomad's docker driver: a config.json of its own, and the plugin block that names it.

credHelpers only. A credsStore, like `auth { helper }`, is asked for every image, and
"not found" fails the task: public images would pull no more (hashicorp/nomad#4832).
"""

from __future__ import annotations

import glob
import os
import re

from dockcred.errors import InvalidInputError
from dockcred.reference import HUB_KEY

HUB = (HUB_KEY,)
PLUGIN_FILE = "dockcred.hcl"

_BLOCK = """\
plugin "docker" {
  config {
    auth {
      config = CONFIG
    }
  }
}
"""
_PLUGIN = {
    "hcl": re.compile(r'^[ \t]*plugin[ \t]+"?docker"?[ \t]*\{', re.MULTILINE),
    "json": re.compile(r'"plugin"\s*:.*"docker"\s*:', re.DOTALL),
}


def plugin_block(config: str) -> str:
    """Write the agent's block; `config` is the absolute path of the config.json.

    Raises InvalidInputError for a path that HCL would not take as it is.
    """
    if not (config.isascii() and config.isprintable()) or set(config) & set('"\\${}%'):
        raise InvalidInputError(f"HCL cannot name {config!a}", "take a plainer path")
    return _BLOCK.replace("CONFIG", f'"{config}"')


def other_block(directory: str) -> str:
    """Find another file with a plugin block: one of two is lost, Nomad merges none."""
    for syntax, block in _PLUGIN.items():
        for path in sorted(glob.glob(f"{glob.escape(directory)}/*.{syntax}")):
            if os.path.basename(path) != PLUGIN_FILE:
                with open(path, encoding="utf-8", errors="replace") as file:
                    if block.search(file.read()):
                        return path
    return ""
