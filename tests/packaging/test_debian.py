"""The Debian packages: the files of each, and checks by Debian's own tools."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from support import real
from support.real import missing
from support.release import ROOT

from dockcred.system.version import __version__
from dockcred.wiring import PROGRAMS

PEOPLES = "dockcred"
MODULES = "usr/lib/python3/dist-packages"


def run(*argv: str | Path, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(argv, capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def debs(dist: Path) -> list[Path]:
    return sorted(dist.glob("*.deb")) or missing("the dist has no Debian packages")


@pytest.fixture(scope="module")
def unpacked(debs: list[Path], tmp_path_factory) -> dict[str, Path]:
    """Return the unpacked tree of each package, by the package's name."""
    trees = {}
    for deb in debs:
        name = deb.name.partition("_")[0]
        trees[name] = tmp_path_factory.mktemp(name)
        run("dpkg-deb", "--raw-extract", deb, trees[name]).check_returncode()
    return trees


def test_lintian_has_nothing_to_say(debs):
    lintian = real.program("lintian")
    done = run(lintian, "--fail-on=warning,error", "--allow-root", *debs)
    assert (done.returncode, done.stdout) == (0, "")


def test_every_program_is_in_one_package_with_its_module_and_its_page(unpacked):
    for program in (*PROGRAMS, PEOPLES):
        having = [
            n for n, tree in unpacked.items() if (tree / "usr/bin" / program).exists()
        ]
        assert len(having) == 1, (program, having)
        tree = unpacked[having[0]]
        assert (tree / f"usr/share/man/man1/{program}.1.gz").exists()
        if program != PEOPLES:
            assert (tree / MODULES / f"{program.replace('-', '_')}.py").exists()


def test_the_packages_have_every_module_once(unpacked):
    files = [
        str(path.relative_to(tree / MODULES))
        for tree in unpacked.values()
        for path in (tree / MODULES).rglob("*.py")
    ]
    ours = {
        str(path.relative_to(root))
        for root in (ROOT / "common", ROOT / "helpers")
        for path in root.rglob("*.py")
    }
    assert sorted(files) == sorted(ours)


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_launcher_is_isolated_and_dpkgs_own(unpacked, program):
    (path,) = (p for tree in unpacked.values() for p in tree.glob(f"usr/bin/{program}"))
    text = path.read_text()
    by_kernel = text.startswith("#!/usr/bin/python3 -IS\n")
    assert by_kernel or "'/usr/bin/python3' -I -S -c " in text
    assert 'sys.path += ["/usr/lib/python3/dist-packages"]' in text
    # With that mark `dockcred install` would overwrite or remove it.
    assert "written by `dockcred install`" not in text
    assert path.stat().st_mode & 0o777 == 0o755


def test_the_program_for_people_is_isolated(unpacked):
    text = (unpacked["dockcred"] / "usr/bin/dockcred").read_text()
    assert text.startswith("#!/usr/bin/python3 -I\n")


@pytest.mark.parametrize(
    "package, replaced",
    [
        ("dockcred-aws", "amazon-ecr-credential-helper"),
        ("dockcred-google", "docker-credential-gcr"),
    ],
)
def test_a_package_takes_the_place_of_the_one_with_the_same_program(
    unpacked, package, replaced
):
    control = (unpacked[package] / "DEBIAN/control").read_text()
    for field in ("Provides", "Conflicts", "Replaces"):
        assert re.search(rf"^{field}: {replaced}$", control, re.MULTILINE), control


def test_the_version_is_said_alike(debs):
    assert {deb.name.split("_")[1] for deb in debs} == {__version__}


def test_the_scripts_are_debhelpers_and_start_nothing(unpacked):
    """Scripts only compile and clean up; no systemd unit is enabled or started."""
    for tree in unpacked.values():
        for script in (tree / "DEBIAN").glob("p*"):
            text = script.read_text()
            ours = text.split("# Automatically added by ")[0].split()
            assert ours == ["#!/bin/sh", "set", "-e"], script
            assert "_dh_action=start" not in text
            assert "deb-systemd-invoke start" not in text


@pytest.mark.parametrize(
    "shell, file",
    [
        ("bash", "usr/share/bash-completion/completions/dockcred"),
        ("zsh", "usr/share/zsh/vendor-completions/_dockcred"),
        ("fish", "usr/share/fish/vendor_completions.d/dockcred.fish"),
    ],
)
def test_a_completion_is_what_its_shell_reads(unpacked, shell, file):
    path = unpacked["dockcred"] / file
    assert "_DOCKCRED_COMPLETE" in path.read_text()
    program = real.program(shell)
    done = run(program, "-n", path)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_manual_pages_are_without_warnings(unpacked):
    man = real.program("man")
    pages = [p for tree in unpacked.values() for p in tree.glob("usr/share/man/man1/*")]
    assert len(pages) > len(PROGRAMS)
    for page in pages:
        environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "MANROFFSEQ": ""}
        done = run(
            man,
            "--warnings",
            "-E",
            "UTF-8",
            "-l",
            "-Tutf8",
            "-Z",
            page,
            env=environment,
        )
        assert (done.returncode, done.stderr) == (0, ""), page


def test_systemd_takes_the_units(unpacked, tmp_path):
    analyze = real.program("systemd-analyze")
    units = sorted((unpacked["dockcred"] / "lib/systemd/system").iterdir())
    assert units
    for unit in units:
        text = unit.read_text()
        assert "/usr/local/" not in text
        program = str(unpacked["dockcred"] / "usr/bin/dockcred")
        name = unit.name.replace("@", "@ghcr.io")
        (tmp_path / name).write_text(text.replace("/usr/bin/dockcred", program))
    named = [str(path) for path in sorted(tmp_path.iterdir())]
    done = run(analyze, "verify", "--man=no", *named)
    ours = [line for line in done.stderr.splitlines() if "dockcred" in line]
    assert (done.returncode, ours) == (0, []), done.stderr


def test_anyone_builds_the_same_packages(debs, tmp_path):
    done = run(
        ROOT / "packaging/debian/build.sh",
        tmp_path / "again",
        env={"PATH": "/usr/bin:/bin", "TZ": "Asia/Tokyo"},
        umask=0o077,
    )
    assert done.returncode == 0, done.stderr
    for deb in debs:
        assert (tmp_path / "again" / deb.name).read_bytes() == deb.read_bytes(), deb
