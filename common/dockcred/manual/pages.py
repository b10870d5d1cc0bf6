"""Every manual page by its file name."""

from __future__ import annotations

import click

from dockcred.commands import main
from dockcred.manual import command_page, helper_page
from dockcred.registry_table import PROGRAMS


def all_pages() -> dict[str, str]:
    """Write the pages of `dockcred`, its subcommands and all helpers."""
    helpers = {f"{program}.1": helper_page.page(program) for program in PROGRAMS}
    top = click.Context(main, info_name="dockcred")
    return command_page.pages(main, top) | helpers
