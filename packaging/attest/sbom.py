"""Write what is in the files of a release: a bill of materials of CycloneDX for each.

    sbom.py DIST

Beside the one file, the directory for nodes and the archive for Windows comes
NAME.cdx.json, and for all Debian packages together dockcred-VERSION-debian.cdx.json;
wheel and sdist bundle no code of others. Each is read from the file itself, and what
nobody is known to have made ends this. It needs the machine that built them. The same
files give the same bytes: SOURCE_DATE_EPOCH is the time.
"""

from __future__ import annotations

import fnmatch
import hashlib
import importlib.metadata
import os
import re
import sys
import tarfile
import tomllib
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import windows
from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from dpkg import Package, fields, installed, owners
from packageurl import PackageURL
from pip._vendor import distlib

ROOT = Path(__file__).resolve().parents[2]
OURS = ("Apache-2.0", ComponentType.APPLICATION)
PYTHON = re.compile(r"lib/(python3\.\d+)/")
MADE_AT_THE_BUILD = {"__main__.py", "one_file.py", "programs.py"}
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "dockcred")


def one_file(path: Path) -> Iterator[Component]:
    """Yield the libraries in the one file."""
    with zipfile.ZipFile(path) as archive:
        yield from _libraries(path, archive.namelist())


def for_windows(path: Path) -> Iterator[Component]:
    """Yield the libraries, the parts of Python for Windows, and the launcher."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        for name, version, licence in windows.bundled(archive):
            url = PackageURL("generic", name=name, version=version)
            yield _component(name, version, licence, url)
    version = distlib.__version__
    url = PackageURL("pypi", name="distlib", version=version)
    yield _component("distlib", version, "PSF-2.0", url)
    ours = {f"{name}.exe" for name in _scripts()} | {"LICENSE"}
    if (
        foreign := {n for n in names if not n.startswith(("lib/", windows.PLACE))}
        - ours
    ):
        sys.exit(f"{path.name} has {', '.join(sorted(foreign))}, which we do not know")
    libraries = (name.removeprefix("lib/") for name in names if name.startswith("lib/"))
    yield from _libraries(path, libraries)


def _scripts() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    scripts: dict[str, str] = project["scripts"]
    return scripts


def _libraries(path: Path, names: Iterable[str]) -> Iterator[Component]:
    """Yield the libraries of these modules, found by their .dist-info directories.

    Exits if a module belongs to no library, or a version is not the installed one.
    """
    tops = {name.partition("/")[0] for name in names}
    ours = {p.name for room in ("common", "helpers") for p in (ROOT / room).iterdir()}
    papers = {top for top in tops if top.endswith(".dist-info")}
    libraries = {re.sub(r"-[^-]+$", "", p.removesuffix(".dist-info")) for p in papers}
    if foreign := tops - papers - ours - MADE_AT_THE_BUILD - libraries:
        sys.exit(f"{path.name} has no papers of {', '.join(sorted(foreign))}")
    for paper in sorted(papers):
        name, _, version = paper.removesuffix(".dist-info").rpartition("-")
        told = importlib.metadata.metadata(name)
        if told["Version"] != version:
            sys.exit(f"{path.name} has {name} {version}, and here is {told['Version']}")
        licence = told["License-Expression"] or told["License"]
        url = PackageURL("pypi", name=name, version=version)
        yield _component(name, version, licence, url)


def directory(path: Path) -> Iterator[Component]:
    """Yield the Debian packages whose files are in the node directory."""
    with tarfile.open(path) as archive:
        files = {m.name.partition("/")[2] for m in archive if not m.isdir()}
    (python,) = {at[1] for name in files if (at := PYTHON.match(name))}
    patterns = {p for name in files if (p := _came_from(name, python))}
    found = owners(sorted(patterns))
    for pattern in patterns:
        if not any(fnmatch.fnmatchcase(place, pattern) for place in found):
            sys.exit(f"{path.name} has {pattern}, which no package of this Debian has")
    yield from map(_of_debian, installed({*found.values()}))


def _came_from(name: str, python: str) -> str | None:
    """Return the path (pattern) of a copied file on this machine; None for our own."""
    room, _, file = name.rpartition("/")
    if room == "lib":
        library = f"*/lib/{os.uname().machine}-linux-gnu/{file}"
        return f"/usr/bin/{python}" if file == "python3" else library
    module = name.removeprefix(f"lib/{python}/")
    is_ours = module.startswith("dockcred/") or (ROOT / "helpers" / module).is_file()
    # Not copied: launchers, programs, licences, our modules, and bytecode.
    if module == name or is_ours or "/__pycache__/" in f"/{module}":
        return None
    return f"/usr/{name}"


def packages(paths: Iterable[Path]) -> Iterator[Component]:
    """Yield our Debian packages, and the installed versions of their dependencies."""
    others = set()
    for path in paths:
        told = fields(path, "Package", "Version", "Depends")
        depends = {re.split(r"[ :(]", d)[0] for d in told["Depends"].split(", ")}
        others |= {name for name in depends if "dockcred" not in name}
        yield _component(
            told["Package"],
            told["Version"],
            OURS[0],
            PackageURL("deb", "debian", told["Package"], told["Version"]),
            hashes=[_sha256(path)],
            properties=[Property(name="dockcred:depends", value=told["Depends"])],
        )
    yield from map(_of_debian, installed(others))


def _of_debian(package: Package) -> Component:
    name, version, architecture, _ = package
    qualifiers = {"arch": architecture}
    url = PackageURL("deb", "debian", name, version, qualifiers)
    return _component(name, version, package.licence, url)


def _component(
    name: str, version: str, licence: str, url: PackageURL, **more: Any
) -> Component:
    return Component(
        name=name,
        version=version,
        licenses=[LicenseFactory().make_from_string(licence)],
        purl=url,
        bom_ref=str(url),
        **more,
    )


def _sha256(path: Path) -> HashType:
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)


def write(target: Path, subject: Component, content: Iterable[Component]) -> None:
    """Write the bill of materials of one subject, which depends on all its content."""
    parts = sorted(content, key=lambda part: str(part.bom_ref))
    time_s = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))
    told = "".join(map(str, (*subject.hashes, *(part.bom_ref for part in parts))))
    bill = Bom(
        components=parts,
        serial_number=uuid.uuid5(NAMESPACE, target.name + told),
        metadata=BomMetaData(
            component=subject, timestamp=datetime.fromtimestamp(time_s, UTC)
        ),
    )
    bill.register_dependency(subject, parts)
    text = JsonV1Dot6(bill).output_as_string(indent=1)
    target.write_text(f"{text}\n", encoding="utf-8")


def main(dist: Path) -> None:
    """Write a bill of materials for each file that has other people's code in it."""
    (wheel,) = dist.glob("dockcred-*.whl")
    version = wheel.name.split("-")[1]

    def subject(name: str, *hashes: HashType) -> Component:
        return Component(
            name=name,
            version=version,
            type=OURS[1],
            bom_ref=name,
            hashes=hashes,
            licenses=[LicenseFactory().make_from_string(OURS[0])],
        )

    kinds = (("*.pyz", one_file), ("*.tgz", directory), ("*-windows.zip", for_windows))
    for pattern, content in kinds:
        for path in sorted(dist.glob(pattern)):
            target = path.with_name(f"{path.name}.cdx.json")
            write(target, subject(path.name, _sha256(path)), content(path))
    if debs := sorted(dist.glob("*.deb")):
        target = dist / f"dockcred-{version}-debian.cdx.json"
        write(target, subject(target.name.removesuffix(".cdx.json")), packages(debs))


if __name__ == "__main__":
    if len(sys.argv) != 2:  # noqa: PLR2004 - the usage
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
