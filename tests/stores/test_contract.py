"""Each backend that runs on Linux keeps the contract that dockcred.testing ships."""

from __future__ import annotations

import pytest

from dockcred.testing.store_contract import BEHAVIOURS

pytestmark = pytest.mark.slow  # as a whole too long for `make test`


@pytest.mark.parametrize("behaviour", BEHAVIOURS, ids=lambda b: b.__name__)
def test_every_backend_keeps_the_contract(place, behaviour):
    behaviour(place.helper)


def test_a_stranger_can_run_the_contract_as_a_program(vault):
    ended = vault.run(
        "python", "-m", "dockcred.testing.store_contract", "docker-credential-keyring"
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("ok   ") == len(BEHAVIOURS)
