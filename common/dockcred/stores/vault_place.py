"""Where the vault's file is, and the files that variables name for it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dockcred.environment import Environment


def path(environment: Environment) -> str:
    """Answer DOCKCRED_VAULT_FILE, or the one below XDG_DATA_HOME."""
    if chosen := named(environment, "DOCKCRED_VAULT_FILE"):
        return chosen
    base = environment.get("XDG_DATA_HOME") or f"{environment.home()}/.local/share"
    return f"{base}/dockcred/vault"


def named(environment: Environment, variable: str) -> str:
    """Answer the file that a variable names, or nothing where it names none."""
    if not environment.get(variable):
        return ""
    return environment.path(variable, "")
