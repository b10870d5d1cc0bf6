"""Write what winget and scoop read of a release: where it is, and what is in it.

    python manifests.py ARCHIVE URL DIRECTORY

ARCHIVE is what build.py made for Windows, URL where the release's files will be.
https://github.com/microsoft/winget-cli/tree/master/schemas/JSON/manifests/v1.10.0
https://github.com/ScoopInstaller/Scoop/blob/master/schema.json
"""

from __future__ import annotations

import hashlib
import json
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
NAME = "dockcred.dockcred"
VERSION_OF_FORMAT = "1.10.0"


def write(archive: Path, url: str, directory: Path) -> None:
    """Write the four files: one for scoop, and three for winget."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    text = (ROOT / settings["tool"]["hatch"]["version"]["path"]).read_text()
    version = text.split('"')[-2]
    said, licence = project["description"], project["license"]
    url = f"{url.rstrip('/')}/{archive.name}"
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    with zipfile.ZipFile(archive) as opened:
        programs = [name for name in opened.namelist() if _is_program(name)]
    scoop = {
        "version": version,
        "description": said,
        "homepage": url.rpartition("/")[0],
        "license": licence,
        "architecture": {"64bit": {"url": url, "hash": digest}},
        "bin": programs,
    }
    locale = {
        "PackageLocale": "en-US",
        "Publisher": "dockcred",
        "PackageName": "dockcred",
        "License": licence,
        "ShortDescription": said,
    }
    installer = {
        "InstallerType": "zip",
        "NestedInstallerType": "portable",
        # Links to the programs would not work: they look for Python beside themselves.
        "ArchiveBinariesDependOnPath": True,
        "NestedInstallerFiles": [
            {
                "RelativeFilePath": each,
                "PortableCommandAlias": each.removesuffix(".exe"),
            }
            for each in programs
        ],
        "Installers": [
            {
                "Architecture": "x64",
                "InstallerUrl": url,
                "InstallerSha256": digest.upper(),
            }
        ],
    }
    (directory / "dockcred.json").write_text(f"{json.dumps(scoop, indent=2)}\n")
    for kind, ends, fields in (
        ("version", "", {"DefaultLocale": "en-US"}),
        ("defaultLocale", ".locale.en-US", locale),
        ("installer", ".installer", installer),
    ):
        whole = {"PackageIdentifier": NAME, "PackageVersion": version, **fields}
        whole |= {"ManifestType": kind, "ManifestVersion": VERSION_OF_FORMAT}
        (directory / f"{NAME}{ends}.yaml").write_text(_yaml(whole))


def _is_program(name: str) -> bool:
    return name.endswith(".exe") and "/" not in name


def _yaml(fields: dict[str, Any]) -> str:
    """Return fields as YAML, with strings as in JSON, which YAML allows."""
    lines = []
    for name, value in fields.items():
        if isinstance(value, list):
            lines.append(f"{name}:")
            for each in value:
                rows = [f"{key}: {json.dumps(v)}" for key, v in each.items()]
                lines += [f"- {rows[0]}", *(f"  {row}" for row in rows[1:])]
        else:
            lines.append(f"{name}: {json.dumps(value)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    if len(sys.argv) != 4:  # noqa: PLR2004 - the usage
        sys.exit(__doc__)
    write(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
