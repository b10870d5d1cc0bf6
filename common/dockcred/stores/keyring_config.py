"""What keyring's own variable and configuration file ask for.

Read here and not by keyring, whose `keyring-path` puts a directory on sys.path
whoever wrote the file, and whose complaints go to stderr.
"""

from __future__ import annotations

import os
import stat
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment


def backend(environment: Environment) -> str:
    """Answer the class that is asked for by its full name, or nothing."""
    if named := environment.get("PYTHON_KEYRING_BACKEND"):
        return named
    return _options(environment).get("default-keyring", "").strip()


def search_path(environment: Environment) -> str:
    """Answer the directory to import the class from, if a trusted file names one.

    Never for root, and never by a file that another owns or can write.
    """
    if environment.get("PYTHON_KEYRING_BACKEND"):
        return ""
    try:
        status = os.stat(_file(environment))
    except OSError:
        return ""
    if (
        hasattr(os, "geteuid") and (os.geteuid() == 0 or status.st_uid != os.geteuid())
    ) or status.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        return ""
    path = _options(environment).get("keyring-path", "").strip()
    return environment.home() + path[1:] if path.startswith("~/") else path


def _file(environment: Environment) -> str:
    """Answer keyring's configuration file, as keyring.util.platform_ places it."""
    if sys.platform == "win32":
        base = environment.get("LOCALAPPDATA") + "/Python Keyring"
    else:
        home = environment.get("XDG_CONFIG_HOME") or environment.home() + "/.config"
        base = f"{home}/python_keyring"
    return f"{base}/keyringrc.cfg"


def _options(environment: Environment) -> dict[str, str]:
    path = _file(environment)
    if not os.path.exists(path):
        return {}
    import configparser  # noqa: PLC0415 - only where the file exists

    parser = configparser.RawConfigParser()
    try:
        parser.read(path, encoding="utf-8")
        return dict(parser["backend"])
    except (configparser.Error, KeyError, UnicodeDecodeError):
        return {}
