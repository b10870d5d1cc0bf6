"""TerminateProcess at random moments of a write: files are whole, nothing is left."""

from __future__ import annotations

import json
import random

import pytest
from support.differential import NIGHT

pytestmark = pytest.mark.slow

COMMON = """
import glob, json, os, random, subprocess, sys, time
from dockcred.credential import Credential
from dockcred.stores.vault import Vault
from dockcred.system import private_file, shared_file
from dockcred.system.environment import Environment

kind, place = sys.argv[1:3]
path = f"{place}\\\\{kind}"
SIZE = 2**18

def write(number):
    text = json.dumps({"number": number, "filling": "x" * SIZE}).encode()
    if kind == "vault":
        secret = Credential("u", f"{number:08}" + "x" * SIZE)
        Vault(Environment(dict(os.environ))).write("r.example", secret)
    elif kind == "cache":
        private_file.remove_leftovers(place)
        private_file.replace(path, text, private_file.NEW_FILE, durable=False)
    else:
        private_file.remove_leftovers(place)
        before = open(path, "rb").read() if os.path.exists(path) else None
        assert shared_file.swap(path, before, text)
"""
WRITER = f"""{COMMON}
number = int(sys.argv[3])
print("begins", flush=True)
while True:
    number += 1
    write(number)
"""
KILLER = f"""{COMMON}
def number():
    if kind == "vault":
        secret = Vault(Environment(dict(os.environ))).read("r.example").secret
        assert secret[8:] == "x" * SIZE
        return int(secret[:8])
    kept = json.load(open(path, "rb"))
    assert kept["filling"] == "x" * SIZE
    return kept["number"]

def aside():
    return glob.glob(f"{{place}}\\\\*.new")

delays = json.loads(sys.argv[3])
write(0)
found = 0
for delay in delays:
    command = [sys.executable, "-c", sys.argv[4], kind, place, str(number())]
    writer = subprocess.Popen(command, stdout=subprocess.PIPE)
    writer.stdout.readline()
    time.sleep(delay)
    writer.kill()
    writer.wait()
    found += bool(aside())
    began = time.monotonic()
    write(number() + 1)
    assert time.monotonic() - began < 30, "its lock is held still"
    assert not aside(), aside()
print(json.dumps([number(), found]))
"""
KILLS = 60 if NIGHT else 4


@pytest.mark.parametrize("kind", ["cache", "config", "vault"])
def test_who_is_ended_in_mid_write_leaves_the_old_file_or_the_new_one(
    windows, tmp_path, kind
):
    seed = random.randrange(2**32)
    print("seed", seed)
    draw = random.Random(seed)
    delays = [draw.uniform(0.0, 0.4) for _ in range(KILLS)]
    tmp_path.chmod(0o700)
    variables = {
        "DOCKCRED_VAULT_FILE": windows.path(tmp_path / "vault"),
        "DOCKCRED_VAULT_KEY_FILE": windows.path(tmp_path / "key"),
        "DOCKCRED_TIMEOUT": "60",
    }
    if kind == "vault":
        made = windows.run(
            "dockcred",
            *("vault", "create", "--key-file", windows.path(tmp_path / "key")),
            variables=variables,
        )
        assert made.status == 0, made
    told = windows.python(
        KILLER,
        *(kind, windows.path(tmp_path), json.dumps(delays), WRITER),
        variables=variables,
    )
    assert told.status == 0, told.stderr.decode()
    written, in_mid_write = json.loads(told.stdout)
    print(f"{written} writes, of which {in_mid_write} were ended with a file aside")
    assert written >= KILLS
