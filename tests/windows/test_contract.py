"""The store contract that we ship, in Python for Windows, with stores of Windows."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import in_process
from support.differential import NIGHT

from dockcred.testing.store_contract import BEHAVIOURS

from .conftest import LONG_S, Windows
from .test_helpers import KEYRING, PATIENT

pytestmark = pytest.mark.slow

WINCRED = {"DOCKCRED_STORE": "wincred"}
BY_THE_PROGRAM = """
import sys
from dockcred.testing import store_contract as contract
helper, names = contract.Helper(sys.argv[1]), sys.argv.pop().split(",")
contract.BEHAVIOURS = [each for each in contract.BEHAVIOURS if each.__name__ in names]
for key in helper.list():  # of a run that was ended
    helper.erase(key)
contract.main()
"""
IN_PROCESS = f"""{Path(in_process.__file__).read_text(encoding="utf-8")}
from dockcred.testing import store_contract
from dockcred.wiring import keyring_store
store_contract.Helper = lambda program: InProcess(keyring_store)
{BY_THE_PROGRAM}
"""
ALL = {behaviour.__name__ for behaviour in BEHAVIOURS}
SHORT = {
    "keeps_any_secret_byte_for_byte",
    "keeps_large_secrets",
    "keeps_secrets_about_the_limit_of_windows",
    "replaces_the_secret_of_the_same_user",
}
"""Behaviours with 27 calls. ALL has 168 calls; each starts two Windows programs."""


def keeps(
    windows: Windows, code: str, variables: dict[str, str], behaviours: set[str] = ALL
) -> None:
    ended = windows.python(
        code,
        windows.path(windows.scripts / f"{KEYRING}.exe"),
        ",".join(behaviours),
        variables=PATIENT | variables,
        timeout_s=LONG_S,
    )
    assert ended.status == 0, (ended.stdout.decode(), ended.stderr.decode())
    assert ended.stdout.count(b"ok   ") == len(behaviours)


@pytest.mark.usefixtures("credentials")
def test_the_helper_keeps_the_contract(windows):
    """The helper is the program that pip has made, as users of Windows run it."""
    keeps(windows, BY_THE_PROGRAM, WINCRED, ALL if NIGHT else SHORT)


@pytest.mark.usefixtures("credentials")
def test_credential_manager_keeps_the_contract(windows):
    """It runs in one process, like the vault: all stores read requests alike."""
    keeps(windows, IN_PROCESS, WINCRED)


def test_the_vault_keeps_the_contract(windows, tmp_path):
    tmp_path.chmod(0o700)
    key = windows.path(tmp_path / "key")
    variables = {
        "DOCKCRED_STORE": "vault",
        "DOCKCRED_VAULT_FILE": windows.path(tmp_path / "vault"),
        "DOCKCRED_VAULT_KEY_FILE": key,
    }
    made = windows.run(
        "dockcred", "vault", "create", "--key-file", key, variables=variables
    )
    assert made.status == 0, made
    keeps(windows, IN_PROCESS, variables)
