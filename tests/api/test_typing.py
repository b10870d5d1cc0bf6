"""The API's types, as mypy sees them in a user's program."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).with_name("user_program.py.txt")


def test_a_users_program_passes_mypy_strict(tmp_path: Path) -> None:
    """mypy also fails for an unused `type: ignore`: so each wrong use must be found."""
    program = shutil.copy(PROGRAM, tmp_path / "program.py")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file=", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert 'Revealed type is "dockcred.credential.Credential"' in done.stdout
