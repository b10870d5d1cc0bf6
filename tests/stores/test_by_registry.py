"""Backends and accounts per registry, by config.toml."""

from __future__ import annotations

import pytest

from .places import set_up_pass, stop_gpg


@pytest.fixture
def configure(vault):
    def write(text):
        path = vault.path / ".config/dockcred/config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    return write


def test_an_account_per_registry_and_namespace(vault, configure):
    """One registry has two accounts: one of them is for the team's namespace."""
    configure(
        '[[registry]]\nmatch = "r.io/team"\naccount = "work"\n'
        '[[registry]]\nmatch = "w.io"\naccount = "work"\n'
    )
    for key in ("r.io", "r.io/team", "w.io"):
        vault.helper.store(key, "user", f"secret of {key}")
    for key in ("r.io", "r.io/team", "w.io"):
        assert vault.helper.get(key) == ("user", f"secret of {key}")
    assert set(vault.helper.list()) == {"r.io", "r.io/team", "w.io"}
    vault.helper.erase("w.io")
    assert set(vault.helper.list()) == {"r.io", "r.io/team"}
    configure("")
    assert set(vault.helper.list()) == {"r.io"}
    assert set(vault.with_variables(DOCKCRED_ACCOUNT="work").list()) == {"r.io/team"}


def test_a_backend_per_registry_and_one_list_over_all(vault, configure):
    set_up_pass(vault)
    configure('[[registry]]\nmatch = "p.io"\nstore = "pass"\n')
    for key in ("p.io", "v.io"):
        vault.helper.store(key, "user", f"secret of {key}")
    assert vault.peer("pass").list() == {"p.io": "user"}
    assert vault.helper.list() == {"p.io": "user", "v.io": "user"}
    assert vault.helper.get("p.io") == ("user", "secret of p.io")
    stop_gpg(vault)


def test_a_backend_for_all_registries(vault, configure):
    set_up_pass(vault)
    configure('store = "pass"\n')
    vault.helper.store("r.io", "user", "secret")
    assert vault.peer("pass").get("r.io") == ("user", "secret")
    assert vault.helper.list() == {"r.io": "user"}
    stop_gpg(vault)


def test_nothing_found_can_be_answered_with_an_empty_credential(vault):
    """Nomad takes docker's "not found" for a failure, an empty credential for none."""
    nomad = vault.with_variables(DOCKCRED_ON_MISS="empty")
    assert nomad.get("never.io") == ("", "")
