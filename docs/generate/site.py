"""Write the pages for the site's generator: python docs/generate/site.py DIRECTORY.

Links in the pages are relative paths in the repository, and are rewritten. Pages
outside docs/ become pages of the site. Other linked files are copied to files/. Links
to folders become plain text. `make site` calls this, and then runs the generator on
DIRECTORY.
"""

from __future__ import annotations

import json
import posixpath
import re
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
FRONT = "README.md"
PAGES = (
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "bench/README.md",
    "packaging/kubernetes/README.md",
    "tests/real/README.md",
)
ERRORS = "docs/errors.md"
_LINK = re.compile(r"(?<=\]\()(?!https?:|mailto:|#)([^)#\s]+)(#[^)\s]*)?(?=\))")
_FOLDER = re.compile(r"\[([^\]]*)\]\((?!https?:|mailto:|#)([^)#\s]+)\)")
_ROW = re.compile(r"^\| (?P<says>.+?) \| (?P<do>.+) \|$")
_DIAGRAM = "```mermaid\n"
# A diagram is as wide as its text needs, in narrow columns. The theme would shrink it
# to the page's width, too small to read on a telephone. It scrolls in its box
# (site.css).
_NATURAL = {kind: {"useMaxWidth": False} for kind in ("flowchart", "sequence", "state")}
_NATURAL["sequence"] |= {"wrap": True, "width": 130, "actorMargin": 20}
_NATURAL["flowchart"] |= {"wrappingWidth": 140, "nodeSpacing": 20, "rankSpacing": 30}
_NARROW = f"%%{{init: {json.dumps(_NATURAL)}}}%%\n"
_RUN = re.compile(r"^<!-- run: .*-->\n", re.MULTILINE)
_DETAILS = re.compile(
    r"<details( open)?><summary>(?P<name>.*?)</summary>\n(?P<body>.*?)\n</details>",
    re.DOTALL,
)


def write(directory: Path) -> None:
    """Write all pages, pictures and linked files into a directory, emptied before."""
    shutil.rmtree(directory, ignore_errors=True)
    for name in (FRONT, *PAGES, *_docs()):
        text = (ROOT / name).read_text(encoding="utf-8")
        path = _place(directory, _site_path(name) or name)
        path.write_text(_shown(name, text), encoding="utf-8")
    for name in sorted(_linked()):
        shutil.copyfile(ROOT / name, _place(directory, f"files/{name}"))
    for folder in ("pictures", "site"):
        shutil.copytree(ROOT / "docs" / folder, directory / folder)


def _place(directory: Path, name: str) -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _linked() -> set[str]:
    """Return the files of the repository that pages link to, without pages."""
    found = set()
    for name in (FRONT, *PAGES, *_docs()):
        text = (ROOT / name).read_text(encoding="utf-8")
        for link, _ in _LINK.findall(text):
            target = _target(name, link)
            if _site_path(target) is None and (ROOT / target).is_file():
                found.add(target)
    return found


def _docs() -> list[str]:
    return [p.relative_to(ROOT).as_posix() for p in (ROOT / "docs").rglob("*.md")]


def _target(name: str, link: str) -> str:
    """Return the path in the repository that a link on a page points to."""
    return posixpath.normpath(posixpath.join(posixpath.dirname(name), link))


def _site_path(target: str) -> str | None:
    """Return the path of a page or picture in the site; None for other files."""
    if target == FRONT:
        return "index.md"
    if target.startswith("docs/"):
        return target.removeprefix("docs/")
    return target if target in PAGES else None


def _shown(name: str, markdown: str) -> str:
    """Return a page of the repository as the site shows it."""
    path = _site_path(name) or name

    def link(found: re.Match[str]) -> str:
        target = _target(name, found[1])
        place = _site_path(target)
        if place is None:
            place = f"files/{target}"
        return posixpath.relpath(place, posixpath.dirname(path)) + (found[2] or "")

    def folder(found: re.Match[str]) -> str:
        return found[1] if (ROOT / _target(name, found[2])).is_dir() else found[0]

    text = _LINK.sub(link, _FOLDER.sub(folder, _RUN.sub("", markdown)))
    text = _DETAILS.sub(_tab, text)
    if _DIAGRAM in text:
        # mermaid.js has 3 MB, so only pages with a diagram load it. Our own copy: the
        # theme would load it from another server.
        draws = posixpath.relpath("site/mermaid.js", posixpath.dirname(path))
        text = text.replace(_DIAGRAM, _DIAGRAM + _NARROW)
        text += f'\n<script src="{draws}"></script>\n'
    return _sections(text) if name == ERRORS else text


def _tab(found: re.Match[str]) -> str:
    """Return a <details> block as a tab of the site."""
    name = re.sub(r"</?b>", "", found["name"]).replace('"', "'")
    body = found["body"].replace("\n", "\n    ")
    return f'=== "{name}"\n    {body}\n'


def _sections(text: str) -> str:
    """Return the page of errors with a heading for each, for the site's search."""
    lines, asked = [], ""
    for line in text.splitlines():
        row = _ROW.match(line)
        if row and row["says"] == "it says":
            asked = row["do"].capitalize()
        elif row:
            lines += [f"### {row['says']}", "", f"{asked}: {row['do']}", ""]
        elif not line.startswith("|---"):
            lines.append(line)
    return "\n".join(lines)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
