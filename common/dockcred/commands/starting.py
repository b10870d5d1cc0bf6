"""A command that cannot be started, and the exit status by which a shell says so."""

from __future__ import annotations

import click

NOT_EXECUTABLE, NOT_FOUND = 126, 127


def not_started(program: str, command: str, error: OSError) -> int:
    """Say why a command could not be started; answer the exit status."""
    click.echo(f"{program}: {command}: {error.strerror}", err=True)
    return NOT_FOUND if isinstance(error, FileNotFoundError) else NOT_EXECUTABLE
