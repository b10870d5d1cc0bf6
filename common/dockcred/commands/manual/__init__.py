"""`dockcred manual`: the manual pages, for those who installed by pip.

The text is that of the programs' own help; no page is written by hand.
"""

from __future__ import annotations

from pathlib import Path

import click

from dockcred.commands.console import console, examples, reporting_errors
from dockcred.system import process


@click.command(
    epilog=examples(
        "dockcred manual ~/.local/share/man/man1",
        "man docker-credential-auto",
    )
)
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
def manual(directory: Path) -> None:
    """Write the manual pages of all programs into DIRECTORY."""
    from dockcred.commands.manual.pages import all_pages  # noqa: PLC0415 - it loads every command

    with reporting_errors(), process.as_called():
        directory.mkdir(parents=True, exist_ok=True)
        pages = all_pages()
        for name, text in pages.items():
            (directory / name).write_text(text, encoding="ascii")
    console.print(f"{len(pages)} pages in {directory}", highlight=False, markup=False)
