"""The page of a helper, from its module's own words and the tables of variables."""

from __future__ import annotations

import ast
import importlib.util

from dockcred import protocol, registry_table
from dockcred.environment import aws, azure, github, google, keychain, meanings, oidc
from dockcred.manual.roff import Page
from dockcred.version import __version__

VERBS = {
    "get": "read a registry from stdin, and answer its credential as one line of JSON",
    "store": "read a credential as JSON from stdin, and keep it; a helper of a cloud "
    "keeps nothing, and says so",
    "erase": "read a registry from stdin, and drop what is kept or cached for it",
    "list": "answer the registries that are kept or cached, with their users, as JSON",
    "version": "print the version",
}
_OF_PROVIDER = {
    "ecr": aws.MEANINGS,
    "acr": azure.MEANINGS,
    "google": google.MEANINGS,
    "github": github.MEANINGS,
}
_OF_PROGRAM = {
    "docker-credential-keyring": keychain.MEANINGS,
    "docker-credential-oidc": oidc.MEANINGS,
    "docker-credential-auto": meanings.ALL,
    protocol.PLUGIN: meanings.ALL,
}


def page(program: str) -> str:
    """Answer the page of a program that stands in the registry table."""
    summary, *paragraphs = _said(program)
    written = Page(program, __version__, summary)
    written.section("SYNOPSIS")
    written.paragraph(protocol.USAGE.format(program).removeprefix("Usage: "))
    written.section("DESCRIPTION")
    for paragraph in paragraphs:
        written.paragraph(paragraph)
    if program == protocol.PLUGIN:
        written.paragraph(
            "Without a verb it reads a CredentialProviderRequest from stdin, and "
            "answers a CredentialProviderResponse."
        )
    written.paragraph(
        'A failure is one line on stdout and stderr. "credentials not found in native '
        'keychain" means only that the client may go on anonymously.'
    )
    written.section("VERBS")
    for verb, meaning in VERBS.items():
        written.item(verb, meaning)
    _variables(written, program)
    written.section("FILES")
    written.item(
        "/etc/dockcred/config.toml, ~/.config/dockcred/config.toml",
        "which identity serves which registry",
    )
    written.item("~/.cache/dockcred", "the cache of tokens, for its owner alone")
    written.section("EXIT STATUS")
    written.paragraph("0 for an answer, 1 for none.")
    written.section("SEE ALSO")
    written.paragraph("dockcred(1), dockcred-doctor(1)")
    return str(written)


def _variables(written: Page, program: str) -> None:
    provider = registry_table.PROGRAMS[program]
    own = _OF_PROVIDER.get(provider) or _OF_PROGRAM.get(program, {})
    written.section("ENVIRONMENT")
    for variable, meaning in (meanings.OURS | own).items():
        written.item(variable, meaning)
    if provider:
        served = registry_table.provider(provider)
        names = {*served.variables, *served.secrets} - {*own, *meanings.OURS}
        written.item("Heard besides", ", ".join(sorted(names)))


def _said(program: str) -> list[str]:
    """Read the module's docstring without running it: a summary, then paragraphs."""
    spec = importlib.util.find_spec(program.replace("-", "_"))
    if spec is None or spec.loader is None or not hasattr(spec.loader, "get_source"):
        raise ImportError(f"{program} is not installed beside dockcred")
    module = ast.parse(spec.loader.get_source(spec.name))
    text = ast.get_docstring(module) or ""
    summary, *paragraphs = text.removeprefix(f"{program}: ").split("\n\n")
    return [" ".join(summary.split()).removesuffix("."), *paragraphs]
