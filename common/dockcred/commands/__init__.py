"""`dockcred`, the program for people: a file or a package for each subcommand.

The helpers need nothing of it: what they share with it is in the rooms below.
"""

from __future__ import annotations

from importlib.util import find_spec

import click

from dockcred.commands.console import reporting_errors
from dockcred.system import environment, private_directory, process
from dockcred.system.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMANDS = {
    "cache": ("dockcred.commands.cache", "cache"),
    "check": ("dockcred.commands.check", "check"),
    "completion": ("dockcred.commands.manual", "completion"),
    "configure": ("dockcred.commands.configure", "configure"),
    "doctor": ("dockcred.commands.doctor", "doctor"),
    "exec": ("dockcred.commands.exec_", "exec_"),
    "get": ("dockcred.commands.get", "get"),
    "install": ("dockcred.commands.install", "install"),
    "import": ("dockcred.commands.import_", "import_"),
    "list": ("dockcred.commands.get", "list_"),
    "manual": ("dockcred.commands.manual", "manual"),
    "render": ("dockcred.commands.render", "render"),
    "refresh": ("dockcred.commands.refresh", "refresh"),
    "sandbox": ("dockcred.commands.sandbox", "sandbox"),
    "token-service": ("dockcred.commands.token_service", "token_service"),
    "vault": ("dockcred.commands.vault", "vault"),
}


class _OnUse(click.Group):
    """Subcommands that are imported when they are called or listed."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as a program of its own, hardened, not as a part of another."""
        process.harden(for_good=False)
        return super().__call__(*args, **kwargs)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run one; help that goes to a full disk fails in one line as well."""
        with reporting_errors():
            return super().main(*args, **kwargs)

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the subcommands; the one file has no sandbox."""
        del context
        return sorted(name for name in COMMANDS if find_spec(COMMANDS[name][0]))

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Load one."""
        if name not in self.list_commands(context):
            return None
        module, attribute = COMMANDS[name]
        command: click.Command = getattr(
            __import__(module, fromlist=[attribute]), attribute
        )
        return command


@click.command(cls=_OnUse, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="dockcred %(version)s")
def main() -> None:
    """Registry credentials from cloud identities, CI jobs and OS keychains."""
    private_directory.remove(environment.current())
