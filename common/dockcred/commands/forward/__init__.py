"""`dockcred forward`: like an SSH agent, for registries.

server    who may ask, for what, and what is logged of it
wire      the socket, and the lines on it
far_side  the options for `ssh` and `docker run`; there stores.forwarded asks
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
from contextlib import contextmanager, suppress

import click

from dockcred import system
from dockcred.commands.console import examples, has_person, leave, reporting_errors
from dockcred.commands.exec_ import carried, not_started
from dockcred.commands.forward import wire
from dockcred.commands.forward.far_side import FarSide, prepared
from dockcred.commands.forward.server import Forward, ForwardOptions
from dockcred.commands.help import complete_host
from dockcred.errors import InvalidInputError, NotServedError
from dockcred.identity.config.load import Pattern
from dockcred.stores.forwarded import VARIABLE
from dockcred.system import environment, hardening
from dockcred.system.private_directory import private_directory

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator

    from dockcred.system.environment import Environment

_PERSON_S = 60.0
_MARGIN_S = 1.0
"""Seconds that the far side waits longer than we do, so that it gets our error."""
_OURS_ALONE, _FOR_USERS = 0o600, 0o666


@click.command(
    epilog=examples(
        "dockcred forward --allow ghcr.io -- ssh build.example.com",
        "dockcred forward --allow ghcr.io -- docker run -it my/devcontainer",
        "dockcred forward --allow ghcr.io --allow '*.dkr.ecr.eu-west-1.amazonaws.com'",
        "dockcred forward --allow ghcr.io --confirm --socket ~/.dockcred.sock",
    ),
    context_settings={"allow_interspersed_args": False},
)
@click.option(
    "--allow",
    "hosts",
    metavar="HOST",
    multiple=True,
    shell_complete=complete_host,
    help="A registry that may be asked for; * matches within one label. May be"
    " repeated.",
)
@click.option(
    "--allow-store",
    is_flag=True,
    help="Let the other side store and erase logins here, too.",
)
@click.option(
    "--confirm", is_flag=True, help="Ask on this terminal before each answer."
)
@click.option(
    "--for-user",
    "users",
    type=click.IntRange(0),
    metavar="UID",
    multiple=True,
    help="Answer this user too, such as the user of a container.",
)
@click.option(
    "--socket",
    "path",
    metavar="PATH",
    help="The path of the socket; the default is in a temporary directory.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
def forward(
    *,
    hosts: tuple[str, ...],
    allow_store: bool,
    confirm: bool,
    users: tuple[int, ...],
    path: str | None,
    command: tuple[str, ...],
) -> None:
    """Give another machine or a container the credentials of registries that you allow.

    On the other side, docker-credential-auto asks this machine through the socket that
    DOCKCRED_FORWARD names. It needs no identity, no cache and no extra there. It lasts
    as long as COMMAND, or until Ctrl-C. Each request is shown on stderr, and no answer
    is. With `ssh` or `docker run` as COMMAND, socket and variable are passed on.
    """
    with reporting_errors():
        if not system.SERVES:
            raise NotServedError(
                "nothing listens on Windows that knows which user calls",
                "run dockcred forward in WSL, or on the machine that has the identity",
            )
        variables = environment.current()
        allowed = tuple(map(_pattern, hosts))
        if not allowed:
            raise InvalidInputError(
                "no registry is allowed, so that nothing would be answered",
                "name each with --allow HOST; to see what is known here, run: dockcred"
                " list",
            )
        if confirm and (command or not has_person()):
            raise InvalidInputError(
                "--confirm needs a terminal, and a command would have it",
                "run dockcred forward --confirm alone, on a terminal",
            )
        with _place(variables, path) as place:
            if variables.get(VARIABLE) == place:
                raise InvalidInputError(
                    f"{VARIABLE} names the socket that is to be made",
                    f"run: unset {VARIABLE}",
                )
            far = prepared(command, place) if command else FarSide((), {})
            answered = frozenset({os.geteuid(), *users, *far.users})
            options = ForwardOptions(
                allowed,
                answered,
                allow_store,
                _ask if confirm else None,
                carried.path(variables),
                environment.timeout_s(variables) - _margin_s(variables),
            )
            mode = _FOR_USERS if answered - {0, os.geteuid()} else _OURS_ALONE
            listening = wire.bind(place, mode)
            try:
                hardening.hide_memory()
                told = f"{', '.join(hosts)} at {place}"
                status = _run(options, variables, listening, far, told)
            finally:
                listening.close()
                with suppress(OSError):
                    os.unlink(place)
    leave(status)  # threads that are still asking are not waited for


def _margin_s(variables: Environment) -> float:
    """Return the margin in seconds; 0 if DOCKCRED_TIMEOUT sets how long to wait."""
    return 0.0 if variables.get("DOCKCRED_TIMEOUT") else _MARGIN_S


def _pattern(text: str) -> Pattern:
    """Read --allow; raise InvalidInputError if hosts of strangers would match."""
    pattern = Pattern(text.partition("://")[2] or text)
    if not pattern.names_a_domain:
        raise InvalidInputError(
            f"{text!a} would allow strangers' hosts",
            "write its last two labels out",
        )
    return pattern


@contextmanager
def _place(variables: Environment, path: str | None) -> Iterator[str]:
    if path:
        yield os.path.abspath(path)
        return
    with private_directory(variables) as directory:
        yield f"{directory}/s"


def _run(
    options: ForwardOptions,
    variables: Environment,
    listening: socket.socket,
    far: FarSide,
    told: str,
) -> int:
    """Serve until the command ends, or a signal ends us; return the exit status."""
    end = b"\r\n" if far.command and os.isatty(2) else b"\n"

    def tell(text: str) -> None:
        # ssh sets the terminal to raw mode, where a line needs a carriage return.
        with suppress(OSError):
            os.write(2, wire.line_of(text).rstrip() + end)

    async def attend() -> int:
        loop = asyncio.get_running_loop()
        server = loop.create_task(Forward(options, variables, tell).serve(listening))
        try:
            return await _last(far, server)
        finally:
            server.cancel()
            with suppress(asyncio.CancelledError):
                await server

    tell(f"forwarding {told}")
    if far.advice:
        tell(far.advice)
    if not far.command:
        path = listening.getsockname()
        click.echo(f"export {VARIABLE}={path}")
    return asyncio.run(attend())


async def _last(far: FarSide, server: asyncio.Task[None]) -> int:
    """Wait for the command's end, or without one for a signal; return the status."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    if not far.command:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, ended.set)
        waiting = loop.create_task(ended.wait())
        await asyncio.wait({waiting, server}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        return 0
    try:
        with hardening.as_called():
            child = subprocess.Popen(  # noqa: ASYNC220 - it starts at once
                far.command, env=os.environ | far.variables
            )
    except OSError as error:
        return not_started("dockcred forward", far.command[0], error)
    # Ctrl-C on a terminal reaches the command by itself, so it is not passed on.
    loop.add_signal_handler(signal.SIGINT, lambda: None)
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, child.send_signal, number)
    status = await asyncio.to_thread(child.wait)
    return status if status >= 0 else 128 - status


def _ask(asked: str) -> bool:
    """Ask the person at the terminal; what was typed before is discarded.

    No answer within _PERSON_S seconds is a no, and so is the end of the input.
    """
    while select.select([0], [], [], 0)[0]:
        if not os.read(0, 4096):
            return False
    os.write(2, wire.line_of(f"{asked}: answer it? [y/N]").rstrip() + b" ")
    ready, _, _ = select.select([0], [], [], _PERSON_S)
    if not ready:
        os.write(2, b"\n")
        return False
    return os.read(0, 4096).strip().lower() in {b"y", b"yes"}
