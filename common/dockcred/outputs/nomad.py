"""Nomad's docker driver: a config.json of its own, and the plugin block that names it.

credHelpers only. A credsStore, like `auth { helper }`, is asked for every image, and
"not found" fails the task: public images would pull no more (hashicorp/nomad#4832).
"""

from __future__ import annotations

import glob
import json
import re

from dockcred.outputs.registry_keys import HUB_URL

HUB = (HUB_URL,)
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
_PLUGIN = re.compile(r'^[ \t]*plugin[ \t]+"?docker"?[ \t]*\{', re.MULTILINE)


def plugin_block(config: str) -> str:
    """Write the agent's block; `config` is the absolute path of the config.json."""
    quoted = json.dumps(config).replace("${", "$${").replace("%{", "%%{")
    return _BLOCK.replace("CONFIG", quoted)


def other_block(directory: str) -> str:
    """Find another file with a plugin block: one of two is lost, Nomad merges none."""
    for path in sorted(glob.glob(f"{glob.escape(directory)}/*.hcl")):
        if path != f"{directory}/{PLUGIN_FILE}":
            with open(path, encoding="utf-8", errors="replace") as file:
                if _PLUGIN.search(file.read()):
                    return path
    return ""
