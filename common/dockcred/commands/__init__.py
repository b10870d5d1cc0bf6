"""`dockcred`, the program for people: a module or a package for each subcommand.

The credential helpers need nothing of it: what both use is in the packages below.
"""

from __future__ import annotations

import signal
import sys
from contextlib import suppress
from importlib.util import find_spec

import click

from dockcred import system
from dockcred.commands.console import examples, reporting_errors
from dockcred.commands.help import COMPLETING, HelpfulGroup, know_powershell
from dockcred.errors import NotServedError
from dockcred.system import environment, log, private_directory, process
from dockcred.system.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

COMMANDS = {
    "cache": ("dockcred.commands.cache", "cache"),
    "check": ("dockcred.commands.check", "check"),
    "completion": ("dockcred.commands.help", "completion"),
    "configure": ("dockcred.commands.configure", "configure"),
    "doctor": ("dockcred.commands.doctor", "doctor"),
    "forward": ("dockcred.commands.forward", "forward"),
    "exec": ("dockcred.commands.exec_", "exec_"),
    "get": ("dockcred.commands.get", "get"),
    "install": ("dockcred.commands.install", "install"),
    "import": ("dockcred.commands.import_", "import_"),
    "list": ("dockcred.commands.get", "list_"),
    "manual": ("dockcred.commands.manual", "manual"),
    "render": ("dockcred.commands.render", "render"),
    "refresh": ("dockcred.commands.refresh", "refresh"),
    "setup": ("dockcred.commands.setup", "setup"),
    "status": ("dockcred.commands.status", "status"),
    "sandbox": ("dockcred.commands.sandbox", "sandbox"),
    "token-service": ("dockcred.commands.token_service", "token_service"),
    "vault": ("dockcred.commands.vault", "vault"),
}


SECTIONS = {
    "For people": {
        "setup": "Set up this machine: helpers, clients, logins and identities; then"
        " test it.",
        "status": "Show who answers for each registry, until when, and for which"
        " clients.",
        "doctor": "Follow one request as the client makes it, and say where it goes"
        " wrong.",
        "install": "Put the fast launchers of the helpers into a directory on the"
        " PATH.",
        "configure": "Configure a client to ask our helpers for credentials.",
        "import": "Import credentials from SOURCE.",
        "get": "Show the user name that a client gets for HOST, and until when it is"
        " valid.",
        "list": "List the registries that have a credential, with their user names.",
        "forward": "Give another machine or a container the credentials of registries"
        " that you allow.",
        "cache": "Show where tokens are cached until they expire.",
        "vault": "Keep credentials in one encrypted file, where there is no keychain.",
        "completion": "Print the completion script for a shell: commands, options,"
        " known registries.",
        "manual": "Write the manual pages of all programs into DIRECTORY.",
    },
    "For machines: jobs, services, clusters": {
        "exec": "Run COMMAND logged in to each HOST, with configuration files of its"
        " own.",
        "render": "Write credentials in the format of a client that cannot call a"
        " helper.",
        "refresh": "Renew credentials in files, Kubernetes Secrets and programs"
        " before they expire.",
        "check": "Say how the programs that read FORMAT understand FILE, and what"
        " they ignore.",
    },
    "For operators: registries, test clouds": {
        "token-service": "Issue a registry's tokens to clients that show an ID token"
        " of an OIDC issuer.",
        "sandbox": "Run COMMAND in simulated clouds on this machine that speak the"
        " real protocols.",
    },
}
"""Every command in its section, with its summary: listing loads none of them."""


class _OnUse(HelpfulGroup):
    """A group that imports a subcommand only when it is called."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run as the program of this process, which is hardened first."""
        process.harden(for_good=False)
        if sys.stdout is not None and sys.stdout.encoding.lower() != "utf-8":
            # A pipe on Windows has one code page, which may lack letters of a path.
            sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]
        try:
            return super().__call__(*args, **kwargs)
        finally:
            # A second Ctrl-C would meet Python while it exits: it shows a traceback.
            with suppress(ValueError):  # not the main thread
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        """Run a subcommand; report failures in one line, also of printing help."""
        with reporting_errors():
            if "--" in sys.argv and not args:
                # The words after -- are another command's: click expands * on Windows.
                kwargs.setdefault("args", sys.argv[1:])
            know_powershell(environment.current().get(COMPLETING))
            try:
                return super().main(*args, **kwargs)
            except (AttributeError, ModuleNotFoundError) as error:
                if not system.is_absent(error):
                    raise
                raise NotServedError(
                    "this command does not run on Windows yet",
                    "name the helpers in docker's config.json, or run it in WSL",
                ) from None

    def list_commands(self, context: click.Context) -> list[str]:
        """Return the subcommands; the one-file dockcred has no sandbox."""
        del context
        return sorted(name for name in COMMANDS if find_spec(COMMANDS[name][0]))

    def meant(self, context: click.Context, name: str) -> str:
        """Return a suggestion; for a helper's name, that clients run it, not people."""
        from dockcred.wiring import PROGRAMS  # noqa: PLC0415 - after a misspelling

        helper = f"docker-credential-{name.removeprefix('docker-credential-')}"
        if helper not in PROGRAMS:
            return super().meant(context, name)
        return f" {helper} is what clients run: dockcred configure docker --all"

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        """Import and return a subcommand; None if there is none by that name."""
        if name not in self.list_commands(context):
            return None
        module, attribute = COMMANDS[name]
        command: click.Command = getattr(
            __import__(module, fromlist=[attribute]), attribute
        )
        return command


@click.command(
    cls=_OnUse,
    sections=SECTIONS,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog=examples(
        "dockcred                     # what to do next on this machine",
        "dockcred setup               # from nothing to logged in",
        "dockcred status              # who answers for which registry",
        "dockcred doctor ghcr.io      # why a pull fails",
        "dockcred COMMAND --help",
    ),
)
@click.version_option(__version__, message="dockcred %(version)s")
@click.pass_context
def main(context: click.Context) -> None:
    """Registry credentials from cloud identities, CI jobs and OS keychains.

    Without a command it says what to do next on this machine.
    """
    variables = environment.current()
    if level := variables.get("DOCKCRED_LOG"):
        log.listen(level)
    private_directory.remove(variables)
    if context.invoked_subcommand is None:
        from dockcred.commands.status import next_step  # noqa: PLC0415 - for this alone

        here, command = next_step(COMMANDS)
        click.echo(f"here   {here}\nnext   {command}\nall    dockcred --help")
