"""How the cache sees that a file has changed, in Python for Windows."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow

SAME_SIZE_AND_TIME = """
import os, sys, time
ALL = "st_ino", "st_size", "st_mtime", "st_ctime"
from dockcred.identity.cache import stat_signature
path = sys.argv[1]
def write(text):
    with open(path, "w") as file:
        file.write(text)
    os.utime(path, (1, 1))
write("one")
first = stat_signature(path)
born, again = os.stat(path), stat_signature(path)
time.sleep(0.05)
write("two")
now = os.stat(path)
alike = [getattr(born, n) == getattr(now, n) for n in ALL]
print(again == first, all(alike), stat_signature(path) != first)
print(stat_signature(os.path.dirname(path)) != "-", stat_signature(path + "x"))
"""


def test_a_file_written_anew_looks_different_whatever_its_size_and_time(
    windows, tmp_path
):
    """On Windows ctime is the creation time; the change time comes by another call."""
    path = tmp_path / "token"
    answer = windows.python(SAME_SIZE_AND_TIME, f"Z:{path}")
    assert answer.stdout.split() == [b"True", b"True", b"True", b"True", b"-"], answer
