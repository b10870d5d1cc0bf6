"""Deferred modules are loaded at their first use; other importers get the real ones."""

from __future__ import annotations

import subprocess
import sys

import pytest

LEAN = """
import sys
from dockcred.transport import idle as lean
lean.load("ssl")
"""


def run(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", LEAN + code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_tls_is_loaded_without_what_it_hardly_uses():
    code = "print(sorted({'array', 'base64', 'selectors', 're', 'ssl'} & set(sys.modules)))"
    assert run(code) == "['ssl']"


def test_what_was_put_off_works_when_it_is_used():
    """ssl needs base64 for PEM certificates, socket needs array for send_fds."""
    code = """
import socket, ssl
print(ssl.DER_cert_to_PEM_cert(b"x").split()[2])
print(socket.selectors.EVENT_WRITE)
one, other = socket.socketpair()
socket.send_fds(one, [b"x"], [1])
print(len(socket.recv_fds(other, 1, 1)[1]))
"""
    assert run(code).split() == ["eA==", "2", "1"]


@pytest.mark.parametrize("name", ["base64", "selectors"])
def test_others_get_the_real_module(name):
    code = f"import {name}; print({name}.__file__ is not None, type({name}).__name__)"
    assert run(code) == "True module"


def test_a_module_that_was_there_is_left_alone():
    code = """
import base64, importlib
lean.load("json")
print(sys.modules["base64"] is base64)
"""
    assert run(code) == "True"


def test_a_failed_import_leaves_nothing_behind():
    code = """
try:
    lean.load("dockcred.no_such_module")
except ImportError:
    print(type(sys.modules.get("base64")).__name__)
"""
    assert run(code) == "NoneType"
