"""Every provider has all its parts; the failure says which part is missing.

docs/extending.md says how to add each part. No module is imported here before its file
is known to exist.
"""

from __future__ import annotations

import ast
import importlib
import tomllib
from pathlib import Path

import pytest
from support.constants import constants

import dockcred
from dockcred import wiring

CODE = Path(dockcred.__file__).parent
ROOT = Path(__file__).parents[2]
ENVIRONMENT = CODE / "system/environment"
SCRIPTS: dict[str, str] = tomllib.loads((ROOT / "pyproject.toml").read_text())[
    "project"
]["scripts"]
PARTS = ("VARIABLES", "SECRETS", "MEANINGS")


def names_in(path: Path) -> set[str]:
    """Return the names that a module assigns at its top."""
    return set(constants(ast.parse(path.read_text())))


def packages() -> dict[str, str]:
    """Return each provider with its package ("" if it is not in wiring.PROVIDERS)."""
    there = {path.parent.name for path in CODE.glob("providers/*/__init__.py")}
    return dict.fromkeys(sorted(there), "") | {
        name: where[0] for name, where in wiring.PROVIDERS.items()
    }


def imported_by(path: Path) -> set[str]:
    """Return the modules of system/environment that a module imports."""
    return {
        alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom)
        and node.module == "dockcred.system.environment"
        for alias in node.names
        if alias.name.islower() and alias.name != "current"
    }


def programs() -> list[str]:
    """Return each helper that has a module, an entry point or a row in PROGRAMS."""
    modules = {path.stem.replace("_", "-") for path in (ROOT / "helpers").glob("*.py")}
    return sorted(modules | {*wiring.PROGRAMS} | {*SCRIPTS} - {"dockcred"})


PROVIDERS = packages()


def package_of(name: str) -> Path:
    return CODE / "providers" / name / "__init__.py"


def provider(name: str):
    """Load a provider; skip if that fails: another test names the missing part."""
    try:
        return wiring.provider(name)
    except (ImportError, KeyError) as error:
        pytest.skip(f"{name} cannot be loaded ({error}), as another test says")


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_has_its_package_and_its_row(name: str) -> None:
    package = package_of(name).relative_to(ROOT)
    assert (ROOT / package).exists(), f"there is no provider {name}: write {package}"
    assert name in wiring.PROVIDERS, (
        f"nothing loads the provider {name}: "
        "add it to PROVIDERS of common/dockcred/wiring.py"
    )
    _, kind = wiring.PROVIDERS[name]
    classes = [
        node.name
        for node in ast.parse((ROOT / package).read_text()).body
        if isinstance(node, ast.ClassDef)
    ]
    assert kind in classes, f"{package} has no class {kind}, which wiring.py names"


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_has_a_file_of_its_variables(name: str) -> None:
    package = package_of(name)
    used = imported_by(package) if package.exists() else {name}
    assert used, f"{package} names no variables"
    for module in used:
        file = ENVIRONMENT / f"{module}.py"
        assert file.exists(), (
            f"the variables of the provider {name} are missing: "
            f"write {file.relative_to(ROOT)}"
        )
        assert names_in(file).issuperset(PARTS), f"{file} does not have {PARTS}"


@pytest.mark.parametrize(
    "file",
    [path for path in sorted(ENVIRONMENT.glob("*.py")) if names_in(path) >= {*PARTS}],
    ids=lambda path: path.stem,
)
def test_every_file_of_variables_is_known_to_the_manual_and_kept_from_children(
    file: Path,
) -> None:
    table = ENVIRONMENT / "meanings.py"
    clouds = next(
        node.value
        for node in ast.parse(table.read_text()).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CLOUDS"
    )
    listed = ast.unparse(clouds).strip("()").replace(",", " ").split()
    assert file.stem in listed, (
        f"the secrets and meanings of {file.name} are not known: "
        f"add {file.stem} to CLOUDS of {table.relative_to(ROOT)}"
    )
    assert file.stem in imported_by(table), (
        f"add {file.stem} to the imports of {table.relative_to(ROOT)}, which lists it"
    )


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_says_how_long_its_sources_hold(name: str) -> None:
    loaded = provider(name)
    package = package_of(name).relative_to(ROOT)
    assert loaded.name == name, f"{package} calls itself {loaded.name!r}"
    assert loaded.sources, f"nothing of {name} is cached: give {package} its sources"
    for row in loaded.sources:
        assert row.name.partition(":")[2], f"{row.name} is not written as owner:source"
    named = [row.name for row in loaded.sources]
    assert len(named) == len(set(named)), f"two rows of one name in {package}"


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_has_a_program(name: str) -> None:
    loaded = provider(name)
    assert loaded.program in wiring.PROGRAMS, (
        f"`dockcred install` does not know {loaded.program}, the program of {name}: "
        "add it to PROGRAMS of common/dockcred/wiring.py"
    )
    assert wiring.PROGRAMS[loaded.program] in {"", name}, (
        f"PROGRAMS of common/dockcred/wiring.py gives {loaded.program} to another"
    )


@pytest.mark.parametrize("program", programs())
def test_a_program_has_its_module_its_entry_point_and_its_row(program: str) -> None:
    module = program.replace("-", "_")
    file = ROOT / f"helpers/{module}.py"
    assert file.exists(), (
        f"the program {program} has no module: write {file.relative_to(ROOT)}"
    )
    assert SCRIPTS.get(program) == f"{module}:main", (
        f"the program {program} is not installed: "
        f'add {program} = "{module}:main" to [project.scripts] of pyproject.toml'
    )
    assert program in wiring.PROGRAMS, (
        f"`dockcred install` does not know {program}: "
        "add it to PROGRAMS of common/dockcred/wiring.py"
    )
    assert f'serve("{program}"' in file.read_text().replace(
        "serve(\n        ", "serve("
    ), f"{file.relative_to(ROOT)} does not serve {program}"
    assert f"| `{program}` |" in (ROOT / "README.md").read_text(), (
        f"nobody is told of {program}: add it to the table of README.md"
    )


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_has_another_end(name: str) -> None:
    # Not imported at the top: an error there would not name the missing part.
    clouds = importlib.import_module("dockcred.testing.sandbox.sandbox").CLOUDS
    subjects = {cloud.subject.provider: cloud for cloud in clouds}
    assert name in subjects, (
        f"no cloud of the sandbox answers the provider {name}: write "
        f"common/dockcred/testing/sandbox/{name}.py, with CLOUD and its subject"
    )
    cloud = subjects[name]
    for identity in (cloud.subject.nobody, cloud.subject.somebody):
        assert identity in cloud.identities, f"the sandbox has no identity {identity}"


@pytest.mark.parametrize("name", PROVIDERS)
def test_a_provider_has_tests_of_its_own(name: str) -> None:
    folder = ROOT / "tests/providers" / name
    assert list(folder.glob("test_*.py")), (
        f"nothing runs the program of the provider {name}: write "
        f"{folder.relative_to(ROOT)}/test_{name}.py"
    )


def test_there_are_providers() -> None:
    assert len(PROVIDERS) >= 5
