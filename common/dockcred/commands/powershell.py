"""Completion in PowerShell, for which click has no class.

Register-ArgumentCompleter calls the script as documented: with the word, the parsed
command and the cursor, which is counted like the positions of the command's parts.
The words go to the program in an environment variable: Windows PowerShell loses quotes
and empty words of arguments. They come back as JSON in ASCII: it decodes a program's
output by the console's code page.
https://learn.microsoft.com/powershell/module/microsoft.powershell.core/register-argumentcompleter
"""

from __future__ import annotations

import json
import re

from click.shell_completion import ShellComplete, add_completion_class

from dockcred.system import environment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from click.shell_completion import CompletionItem

_WORDS = "COMP_WORDS"
"""The environment variable with the words; click's script for bash uses it, too."""
_PLAIN = re.compile(r"[\w.:/\\=+-]+", re.ASCII)
"""A word that PowerShell takes as one word without quotes."""
_SINGLE = "'\u2018\u2019\u201a\u201b"
"""The characters that PowerShell takes for a single quote; doubled, one is literal."""
_QUOTES = f'{_SINGLE}"\u201c\u201d\u201e'
_SOURCE = """\
Register-ArgumentCompleter -Native -CommandName %(prog_name)s -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $text = [System.Management.Automation.Language.StringConstantExpressionAst]
    $words = @()
    foreach ($part in $commandAst.CommandElements) {
        if ($part.Extent.EndOffset -ge $cursorPosition) { break }
        $words += if ($part -is $text) { $part.Value } else { $part.Extent.Text }
    }
    $words += $wordToComplete
    $before = $env:COMP_WORDS
    try {
        $env:COMP_WORDS = $words -join "`n"
        $env:%(complete_var)s = 'powershell_complete'
        $found = & %(prog_name)s | ConvertFrom-Json
    } finally {
        $env:COMP_WORDS = $before
        $env:%(complete_var)s = $null
    }
    foreach ($each in $found) {
        [System.Management.Automation.CompletionResult]::new(
            $each.text, $each.shown, 'ParameterValue', $each.help)
    }
}
"""


@add_completion_class
class PowerShellComplete(ShellComplete):
    """Completion for Windows PowerShell 5.1 and PowerShell 7."""

    name = "powershell"
    source_template = _SOURCE
    _before = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the last one, without the program's, and the last."""
        _program, *words, incomplete = environment.current().get(_WORDS).split("\n")
        incomplete = incomplete.lstrip(_QUOTES)
        # For --option=VALUE click finds the value; PowerShell replaces the whole word.
        option, is_, _value = incomplete.partition("=")
        self._before = option + is_ if is_ and option.startswith("--") else ""
        return words, incomplete

    def format_completion(self, item: CompletionItem[Any]) -> str:
        """Return one item as JSON; empty for files: then PowerShell lists them."""
        if item.type in {"file", "dir"}:
            return ""
        shown = str(item.value)
        text = _quoted(self._before + shown)
        return json.dumps({"text": text, "shown": shown, "help": item.help or shown})

    def complete(self) -> str:
        """Return all items as a JSON array, in one line."""
        found = super().complete().split("\n")
        return f"[{', '.join(filter(None, found))}]"


def _quoted(text: str) -> str:
    """Return a word as it is typed, in single quotes unless it is plain."""
    if _PLAIN.fullmatch(text):
        return text
    doubled = re.sub(f"[{_SINGLE}]", r"\g<0>\g<0>", text)
    return f"'{doubled}'"
