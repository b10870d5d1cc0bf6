"""The stores of macOS and Windows keep the shipped contract, with modelled systems.

The systems' calls are replaced by models after their documents (keychain_of_macos,
test_windows).
"""

from __future__ import annotations

import pytest
from support.in_process import InProcess

from dockcred.stores.keychain_store import KeychainStore
from dockcred.stores.macos import InternetPasswords
from dockcred.stores.windows import CredentialManager
from dockcred.system.environment import Environment
from dockcred.testing.store_contract import BEHAVIOURS

from .keychain_of_macos import Keychain
from .test_windows import Manager

PLACES = {
    "macOS": lambda: InternetPasswords(Environment({}), Keychain()),
    "Windows": lambda: CredentialManager(Environment({}), Manager()),
}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.__name__)
def test_every_system_keeps_the_contract(place, behaviour):
    store = KeychainStore(PLACES[place]())
    behaviour(InProcess(lambda: store))
