"""Each variable that Azure's SDKs read is in the cache key, or ignored for a reason."""

from __future__ import annotations

import ast
import importlib.util
from pathlib import Path

import pytest
from support import ignored_variables as ignored

from dockcred.providers.acr import ACR
from dockcred.system import environment
from dockcred.system.environment import azure

PACKAGES = ("azure.identity", "azure.core", "msal", "msal_extensions")
# Read for every cloud, by requests and similar libraries.
COMMON = {*environment.COMMON, "CURL_CA_BUNDLE"}


def _sources(package: str) -> list[Path]:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        pytest.skip(f"{package} is not installed")
    return sorted(Path(found.origin).parent.rglob("*.py"))


def _variables(tree: ast.AST) -> set[str]:
    """The names read from os.environ, by os.getenv, or for azure-core's settings."""
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=name):
                found |= _text(name)
            case (
                ast.Call(
                    func=ast.Attribute(attr="get", value=ast.Attribute(attr="environ")),
                    args=[name, *_],
                )
                | ast.Call(func=ast.Attribute(attr="getenv"), args=[name, *_])
            ):
                found |= _text(name)
            case ast.Compare(left=name, comparators=[ast.Attribute(attr="environ")]):
                found |= _text(name)
            case ast.keyword(arg="env_var", value=name):
                found |= _text(name)
            case ast.ClassDef(name="EnvironmentVariables", body=body):
                for line in body:
                    if isinstance(line, ast.Assign):
                        found |= _text(line.value)
            case ast.Assign(targets=[ast.Name(id=target)], value=name) if (
                target.startswith(("SYSTEM_OIDC", "_ENV_"))
            ):
                found |= _text(name)
    return found


def _text(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return {node.value}
    return set()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_variable_of_the_sdk_is_known(package):
    read = set()
    for path in _sources(package):
        read |= _variables(ast.parse(path.read_text(encoding="utf-8-sig")))
    known = {
        *azure.VARIABLES,
        *azure.SECRETS,
        *ignored.AZURE,
        *COMMON,
    }
    assert read <= known, sorted(read - known)


def test_what_azure_identity_names_itself_is_seen():
    """The scan of the source finds the names that azure-identity is known to read."""
    read = set()
    for path in _sources("azure.identity"):
        read |= _variables(ast.parse(path.read_text(encoding="utf-8-sig")))
    assert {"AZURE_CLIENT_ID", "IDENTITY_HEADER", "AZURE_TOKEN_CREDENTIALS"} <= read
    assert "IDENTITY_ENDPOINT" in read


def test_no_variable_is_in_two_lists():
    lists = (azure.VARIABLES, azure.SECRETS, ignored.AZURE)
    names = [name for one in lists for name in one]
    assert len(names) == len(set(names))
    assert all(ignored.AZURE.values())


def test_secrets_select_only_by_being_set():
    assert ACR().secrets == azure.SECRETS
    assert set(azure.VARIABLES) <= set(ACR().variables)
    for name in azure.SECRETS:
        assert name not in ACR().variables
