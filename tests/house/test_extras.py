"""Without the library of an extra, a module loads, or says which extra it lacks."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support.program import BUSY_S

import dockcred
from dockcred.errors import MissingExtraError, unforeseen

TRY = """
import pkgutil, sys
sys.path[:0] = [sys.argv[1]]
import dockcred
from dockcred.errors import MissingExtraError
for name in ("api", "identity", "protocol", "providers", "stores", "system", "transport"):
    package = __import__(f"dockcred.{name}", fromlist=[""])
    for found in pkgutil.walk_packages(package.__path__, f"dockcred.{name}."):
        try:
            __import__(found.name)
        except MissingExtraError:
            continue
        except ModuleNotFoundError as error:
            print(found.name, error.name.partition(".")[0])
"""
GUARDED = {
    # Loaded on Windows only.
    "dockcred.system.windows msvcrt",
    # Loaded by the sdk module beside it, which raises MissingExtraError.
    "dockcred.providers.ecr.profiles botocore",
    "dockcred.providers.ecr.session botocore",
    # Loaded by wiring.keychain_store, which raises MissingExtraError.
    "dockcred.stores.any_keyring keyring",
    "dockcred.stores.keyring_backend keyring",
    "dockcred.stores.vault cryptography",
    "dockcred.stores.vault_file cryptography",
    # Loaded by the store beside them for some operations, with the same error.
    "dockcred.stores.secretservice.bus jeepney",
    "dockcred.stores.secretservice.items jeepney",
}


def test_without_a_library_a_module_loads_or_says_what_is_missing() -> None:
    """-S leaves out site-packages, so that only Python's own library is there."""
    root = str(Path(dockcred.__file__).parents[1])
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", TRY, root],
        capture_output=True,
        text=True,
        timeout=BUSY_S,
        check=True,
    )
    assert set(done.stdout.splitlines()) <= GUARDED


@pytest.mark.parametrize(
    "name, extra",
    [
        *(("boto3", "aws"), ("botocore.tokens", "aws"), ("azure.core", "azure")),
        *(("msal", "azure"), ("google.auth", "google"), ("jwt", "github")),
        *(("jeepney", "keyring"), ("kubernetes.client", "kubernetes")),
    ],
)
def test_a_library_that_nobody_looked_for_names_its_extra(
    name: str, extra: str
) -> None:
    said = unforeseen(ModuleNotFoundError(f"No module named {name!r}", name=name))
    assert "unforeseen" not in said
    assert said.endswith(f"pip install 'dockcred[{extra}]'")


def test_a_module_of_our_own_that_is_missing_is_to_be_reported() -> None:
    said = unforeseen(ModuleNotFoundError("No module named 'x'", name="dockcred.x"))
    assert said.startswith("unforeseen")


@pytest.mark.parametrize(
    "name, text, command",
    [
        ("pipx_metadata.json", "{}", "pipx runpip dockcred install 'dockcred[azure]'"),
        ("uv-receipt.toml", "", "uv tool install 'dockcred[azure]'"),
        ("pyvenv.cfg", "home = /usr\nuv = 0.9.1\n", "uv pip install --python"),
        ("pyvenv.cfg", "home = /usr\n", "pip install 'dockcred[azure]'"),
    ],
)
def test_the_remedy_is_of_the_installer_in_use(
    name: str, text: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / name).write_text(text)
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    error = MissingExtraError("it is missing", "run: pip install 'dockcred[azure]'")
    assert error.remedy.startswith(f"run: {command}")


def test_a_venv_that_nobody_has_entered_has_its_own_pip_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/python").touch()
    (tmp_path / "pyvenv.cfg").write_text("home = /usr\n")
    monkeypatch.setattr(sys, "prefix", str(tmp_path))
    error = MissingExtraError("it is missing", "run: pip install 'dockcred[azure]'")
    python = f"{tmp_path}/bin/python"
    assert error.remedy == f"run: {python} -m pip install 'dockcred[azure]'"
