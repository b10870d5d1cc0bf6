"""`dockcred exec`: run a command that is logged in, and leave nothing behind.

configuration, carried  the files that the command finds; the watcher that removes them
                        is in `system`
"""

from __future__ import annotations

import errno
import os
import signal
import sys

import click

from dockcred import system
from dockcred.commands.console import examples, reporting_errors, warn
from dockcred.commands.exec_.configuration import Configuration, ExecOptions
from dockcred.commands.help import complete_host
from dockcred.errors import InvalidInputError
from dockcred.system import environment, hardening
from dockcred.system.private_directory import is_in_memory, private_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import NoReturn

NOT_EXECUTABLE, NOT_FOUND = 126, 127


def not_started(program: str, command: str, error: OSError) -> int:
    """Write why a command could not be started; return the exit status."""
    click.echo(f"{program}: {command}: {error.strerror}", err=True)
    return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE


# Python ignores these signals from its start, and the command would inherit that.
_IGNORED_BY_PYTHON = ("SIGPIPE", "SIGXFSZ")


def become(command: tuple[str, ...], variables: Mapping[str, str]) -> NoReturn:
    """Replace this process by the command; raise OSError if that is impossible.

    On Windows no process can be replaced: the command is run, and this process exits
    with its status. A script whose first line names no interpreter is run by /bin/sh,
    as execvp(3) does.
    """
    if not command[0]:
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if system.run_instead is not None:
        sys.exit(system.run_instead(command, variables))
    for name in _IGNORED_BY_PYTHON:
        signal.signal(signal.Signals[name], signal.SIG_DFL)
    try:
        os.execvpe(command[0], command, variables)  # noqa: S606 - no shell is wanted
    except OSError as error:
        from shutil import which  # noqa: PLC0415 - rarely needed

        script = which(command[0], path=variables.get("PATH"))
        if error.errno != errno.ENOEXEC or script is None:
            raise
        argv = ["/bin/sh", script, *command[1:]]
        os.execve(argv[0], argv, variables)  # noqa: S606


@click.command(
    "exec",
    epilog=examples(
        "dockcred exec --registry ghcr.io -- docker pull ghcr.io/me/app",
        "dockcred exec --registry ghcr.io -- helm push app-1.0.tgz oci://ghcr.io/me",
        "dockcred exec --registry ghcr.io --secret -- contrast generate app.yml",
    ),
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "--registry",
    "registries",
    metavar="HOST",
    multiple=True,
    required=True,
    shell_complete=complete_host,
    help="A registry that the command is logged in to; may be repeated.",
)
@click.option(
    "--config",
    metavar="FILE",
    help="The config.toml that chooses the identities; COMMAND uses it, too.",
)
@click.option("--only", is_flag=True, help="Hide the logins for all other registries.")
@click.option(
    "--secret",
    is_flag=True,
    help="Write the password into config.json, for programs that cannot call a helper.",
)
@click.option(
    "--secret-variable",
    is_flag=True,
    help="Set DOCKER_AUTH_CONFIG to the same text, for programs that read nothing"
    " else.",
)
@click.option(
    "--home",
    is_flag=True,
    help="Set HOME to a view of your home that has this config.json in .docker.",
)
@click.argument("command", nargs=-1, required=True, type=click.UNPROCESSED)
def exec_(
    *,
    registries: tuple[str, ...],
    config: str | None,
    only: bool,
    secret: bool,
    secret_variable: bool,
    home: bool,
    command: tuple[str, ...],
) -> None:
    """Run COMMAND logged in to each HOST, with configuration files of its own.

    The files name our helper, so COMMAND may run longer than a password is valid. They
    are removed when COMMAND ends. Contexts, plugins, proxies and the logins for other
    registries stay as they are. This process becomes COMMAND: signals, limits and exit
    status are COMMAND's.
    """
    wanted = ExecOptions(registries, only, secret, secret_variable, home)
    pinned = {"DOCKCRED_CONFIG": os.path.abspath(config)} if config else {}
    with reporting_errors():
        if home and system.run_instead is not None:
            raise InvalidInputError(
                "--home shows a home by links, which are administrators' on Windows",
                "leave it out: DOCKER_CONFIG, HELM_REGISTRY_CONFIG and"
                " REGISTRY_AUTH_FILE lead to the files",
            )
        variables = environment.current().with_values(pinned)
        with private_directory(variables) as directory:
            if secret and not is_in_memory(directory):
                warn(f"there is no place in memory; the password is in {directory}")
            changed = Configuration(directory, wanted, variables).write()
            try:
                with hardening.as_called():
                    become(command, os.environ | pinned | changed)
            except OSError as error:
                sys.exit(not_started("dockcred exec", command[0], error))
