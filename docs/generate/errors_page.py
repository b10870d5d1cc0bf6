"""Generate docs/errors.md: every error message of the code, with its remedy.

The messages are found by parsing the code. An error is a call of an error class; its
first two arguments are the cause and the remedy.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from wording import reading

import dockcred

CODE = Path(dockcred.__file__).parent
LEFT_OUT = ("testing",)
HEAD = """\
# What an error means

Made from the code by `make docs`. A word in *italics* stands for what differs: a host,
a file, a reason. A failure is one line, on stdout and stderr, with its cause and, behind
a semicolon, what to do; the exit status is 1.

Three sentences are the protocol's own, and clients act upon them:

| it says | it means |
|---|---|
| credentials not found in native keychain | nothing is kept or configured for this registry: the client goes on anonymously |
| no credentials server URL | the request names no registry |
| no credentials username | the credential to be stored names no user |
"""
ELSE = "Any program"
AREAS = {
    "providers/ecr/": "Amazon ECR",
    "providers/acr/": "Azure Container Registry",
    "providers/google/": "Google",
    "providers/github/": "GitHub",
    "providers/alibaba/": "Alibaba Cloud",
    "providers/gitlab/": "GitLab",
    "providers/oracle/": "Oracle",
    "providers/oidc/": "CI identities",
    "stores/": "Keychains",
    "identity/config/": "config.toml",
    "system/private_file.py:check_owner": "config.toml",
    "protocol/kubelet/": "Kubelet's plugin",
    "clients/containers/edit.py": "Clients' files",
    "clients/docker/edit.py": "Clients' files",
    "clients/edit/": "Clients' files",
    "clients/kubelet.py": "Clients' files",
    "clients/nomad.py:plugin_block": "Clients' files",
    "clients/contrast/": "Rendering",
    "clients/entries.py": "Rendering",
    "clients/formats.py:check_options": "Rendering",
    "clients/formats.py:load": "Rendering",
    "clients/formats.py:read_pem": "Rendering",
    "clients/kubernetes/render.py": "Rendering",
    "clients/nomad.py:render": "Rendering",
    "api/many.py": "Rendering",
    "protocol/launcher/": "Launchers",
    "commands/token_service/__init__.py": "`dockcred`",
    "commands/token_service/work.py": "`dockcred`",
    "commands/token_service/": "The token service",
    "commands/doctor/": ELSE,
    "commands/manual.py": ELSE,
    "commands/refresh/__init__.py": "`dockcred`",
    "commands/refresh/": ELSE,
    "commands/": "`dockcred`",
    "transport/": "Connections",
}
"""The section of an error, by the start of "FILE:FUNCTION"; the first match counts."""
ORDER = (
    "Amazon ECR",
    "Azure Container Registry",
    "Google",
    "GitHub",
    "Alibaba Cloud",
    "GitLab",
    "Oracle",
    "CI identities",
    "Keychains",
    "config.toml",
    "Kubelet's plugin",
    "Clients' files",
    "Rendering",
    "Launchers",
    "The token service",
    "`dockcred`",
    "Connections",
    ELSE,
)
IN_THE_MESSAGE = "what the message says behind its semicolon"
NONE = "nothing by itself: it is a part of another message, or the caller is at fault"
Row = tuple[str, str]


def page() -> str:
    """Write the page."""
    found: dict[str, set[Row]] = {}
    told = _told()
    for file in sorted(CODE.rglob("*.py")):
        name = file.relative_to(CODE).as_posix()
        if not name.startswith(LEFT_OUT):
            for where, row in _errors(file, told):
                found.setdefault(_area(f"{name}:{where}"), set()).add(row)
    tables = [
        f"\n## {area}\n\n| it says | what to do |\n|---|---|\n"
        + "".join(f"| {_cell(says)} | {_cell(do)} |\n" for says, do in sorted(rows))
        for area, rows in sorted(found.items(), key=lambda item: _place(item[0]))
        if rows
    ]
    return HEAD + "".join(tables)


def _area(name: str) -> str:
    area = next((a for place, a in AREAS.items() if name.startswith(place)), ELSE)
    if area == ELSE and name.startswith("providers/"):
        return name.split("/")[1].capitalize()
    return area


def _place(area: str) -> int:
    """Return an area's place in ORDER; unknown providers come with "CI identities"."""
    return ORDER.index(area if area in ORDER else "CI identities")


def _errors(file: Path, told: set[str]) -> Iterator[tuple[str, Row]]:
    """Yield the row of each error in a file, with its top-level function or class.

    `told` has the names of the error classes that users see.
    """
    wording = reading(file, CODE)
    for top in wording.tree.body:
        for function, call in _calls(top, top):
            if not call.args or _name(call.func) not in told:
                continue
            causes, *remedies = (
                wording.texts(argument, function) for argument in call.args[:2]
            )
            remedy = ", or: ".join(remedies[0]) if remedies else ""
            if _name(call.func) == "UsageError":
                remedy = "see the command's `--help`"
            elif not _words(remedy):
                remedy = IN_THE_MESSAGE if remedy else NONE
            for cause in causes:
                if _words(cause):
                    yield getattr(top, "name", ""), (cause, remedy)


def _words(text: str) -> str:
    """Return a text without its placeholders; "" if it has nothing else."""
    return re.sub(r"(?<!\\)\*[^*]+\*", "", text).strip(": ")


def _calls(node: ast.AST, function: ast.AST) -> Iterator[tuple[ast.AST, ast.Call]]:
    """Yield each call below a node, with the innermost function around it."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        function = node
    if isinstance(node, ast.Call):
        yield function, node
    for below in ast.iter_child_nodes(node):
        yield from _calls(below, function)


def _told() -> set[str]:
    """Return the names of DockcredError, click's UsageError and their subclasses."""
    found = {"DockcredError", "UsageError"}
    files = CODE.rglob("*.py")
    classes = [node for file in files for node in reading(file, CODE).classes]
    while (
        more := {
            node.name
            for node in classes
            if found & {_name(base) for base in node.bases}
        }
        - found
    ):
        found |= more
    return found


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
