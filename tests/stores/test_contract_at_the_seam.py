"""The shipped contract over the keychains of macOS and Windows, at the interface only.

The systems' own calls are models by their documents (keychain_of_macos, test_windows).
"""

from __future__ import annotations

import pytest

from dockcred.errors import DockcredError, WireError
from dockcred.protocol import answer
from dockcred.stores.keychain_store import KeychainStore
from dockcred.stores.macos import InternetPasswords
from dockcred.stores.windows import CredentialManager
from dockcred.system.environment import Environment
from dockcred.testing.store_contract import BEHAVIOURS, Answer, Helper

from .keychain_of_macos import Keychain
from .test_windows import Manager

PLACES = {
    "macOS": lambda: InternetPasswords(Environment({}), Keychain()),
    "Windows": lambda: CredentialManager(Environment({}), Manager()),
}


class InProcess(Helper):
    """A helper whose verbs are calls."""

    def __init__(self, store: KeychainStore) -> None:
        super().__init__("none")
        self.kept = store

    def run(self, verb: str, text: str = "") -> Answer:
        try:
            output, notice = answer(verb, lambda: self.kept, text.encode())
        except WireError as error:
            return Answer(1, error.sentence.encode(), b"")
        except DockcredError as error:
            return Answer(1, str(error).encode(), str(error).encode())
        return Answer(0, output, (notice or "").encode())


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.__name__)
def test_every_system_keeps_the_contract(place, behaviour):
    behaviour(InProcess(KeychainStore(PLACES[place]())))
