"""Generate docs/variables.md: variables that we use, and those that we ignore."""

from __future__ import annotations

from collections.abc import Iterable
from types import ModuleType

from support import ignored_variables as ignored

from dockcred.system import environment
from dockcred.system.environment import (
    aws,
    azure,
    github,
    gitlab,
    google,
    meanings,
    oidc,
    oracle,
    programs,
)

HEAD = """\
# Variables

Made from the code by `make docs`. One that is set but empty counts as not set. What
config.toml says for a registry ([config](config.md)) wins over the variable of the same
meaning.
"""
SECRETS = (
    "Of these only that they are set is part of a cache key, never the value; no child "
    "program is handed them:"
)
CLOUDS = (
    ("AWS", aws, aws.MEANINGS, ignored.AWS),
    ("Azure", azure, azure.MEANINGS, ignored.AZURE),
    ("Google", google, google.MEANINGS, ignored.GOOGLE),
    ("GitHub", github, github.MEANINGS, ignored.GITHUB),
    ("GitLab", gitlab, gitlab.MEANINGS, ignored.GITLAB),
    ("Oracle", oracle, oracle.MEANINGS, ignored.ORACLE),
)


def page() -> str:
    """Write the page."""
    text = [HEAD, "\n## Ours, for every program\n\n", _table(meanings.OURS)]
    text += ["\nThe way to every cloud: ", _names(environment.COMMON), ".\n"]
    for cloud, names, ours, left in CLOUDS:
        text += [
            f"\n## {cloud}\n\n",
            _table(ours),
            "\nThese mean what they mean to the SDK: ",
            _names(name for name in names.VARIABLES if name not in ours),
            f".\n\n{SECRETS} {_names(names.SECRETS)}.\n",
            "\nNot heard, and why:\n\n",
            _table(left),
        ]
    for further in meanings.CLOUDS:
        if further is not oidc and further not in {cloud[1] for cloud in CLOUDS}:
            text += _further(further)
    text += ["\n## CI identities\n\n", _table(oidc.MEANINGS)]
    text += ["\nWhich CI system and which job this is: "]
    text += [_names(n for n in oidc.VARIABLES if n not in meanings.ALL), ".\n"]
    text += [f"\n{SECRETS} {_names(oidc.SECRETS)}.\n"]
    text += ["\n## The token service\n\nWhere it asks an OAuth provider: "]
    text += [_names((*programs.TOKEN_SERVICE, *programs.SECRETS)), "; their "]
    text += ["meaning is in [token-service](token-service.md). Not heard, and why:\n\n"]
    text += [_table(programs.DROPPED)]
    text += ["\n## Keychains\n\n", _table(programs.KEYCHAIN_MEANINGS)]
    text += ["\nThe way there: "]
    text += [
        _names(n for n in programs.KEYCHAIN if n not in programs.KEYCHAIN_MEANINGS),
        ".\n",
    ]
    text += ["\nPassed on to `pass` and gpg: ", _names(programs.PASS), ".\n"]
    text += ["\n## Kubelet's plugin\n\n", _table(programs.KUBELET_MEANINGS)]
    text += ["\nAs AWS's own plugin: "]
    text += [
        _names(n for n in programs.KUBELET if n not in programs.KUBELET_MEANINGS),
        ".\n",
    ]
    return "".join(text)


def _further(names: ModuleType) -> list[str]:
    """Write the section of a cloud that has no row in CLOUDS."""
    title = names.__name__.rpartition(".")[2].capitalize()
    others = _names(name for name in names.VARIABLES if name not in names.MEANINGS)
    return [
        f"\n## {title}\n\n",
        _table(names.MEANINGS),
        f"\nThese mean what they mean to its tools: {others}.\n" if others else "",
        f"\n{SECRETS} {_names(names.SECRETS)}.\n",
    ]


def _table(meant: dict[str, str]) -> str:
    rows = (f"| `{name}` | {meaning} |\n" for name, meaning in meant.items())
    return "".join(("| variable | meaning |\n|---|---|\n", *rows))


def _names(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)
