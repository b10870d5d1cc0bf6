"""Fixtures: real backends, each in its own home directory."""

from __future__ import annotations

import pytest

from .places import Desk, Home, set_up_pass, short_directory, stop_gpg


@pytest.fixture
def home():
    """Provide an empty home: no bus, no vault, no configuration."""
    with short_directory() as path:
        yield Home(path)


@pytest.fixture
def bus():
    """Provide a session bus without a Secret Service."""
    with short_directory() as path, Desk(path) as desk:
        yield desk


@pytest.fixture
def desk(bus):
    """Provide an unlocked gnome-keyring."""
    bus.start_keyring("password")
    return bus


@pytest.fixture
def password_store(home):
    """Provide an initialised `pass`."""
    set_up_pass(home)
    home.variables["DOCKCRED_STORE"] = "pass"
    yield home
    stop_gpg(home)


@pytest.fixture
def vault(home):
    """Provide a vault whose key file is outside of the home directory."""
    with short_directory() as elsewhere:
        home.key_file = elsewhere / "key"
        made = home.run("dockcred", "vault", "create", "--key-file", str(home.key_file))
        assert made.returncode == 0, made.stderr
        yield home


@pytest.fixture
def keyring(home):
    """Provide a backend of the keyring library that we have no own store for."""
    pytest.importorskip("keyrings.alt")
    home.variables["PYTHON_KEYRING_BACKEND"] = "keyrings.alt.file.PlaintextKeyring"
    home.variables["DOCKCRED_ALLOW_INSECURE"] = "1"
    return home


@pytest.fixture(params=["desk", "password_store", "vault", "keyring"])
def place(request):
    """Provide each backend that runs here: a test runs once for each."""
    return request.getfixturevalue(request.param)
