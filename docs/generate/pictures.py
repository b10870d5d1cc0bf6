"""Draw the pictures of README from real runs: `make pictures`.

Each is what a command has written to a terminal of 80 columns, in a home that is made
for it; the cloud that refuses is the sandbox. rich's recorder turns it into SVG.
"""

from __future__ import annotations

import fcntl
import io
import os
import pty
import re
import secrets
import shutil
import struct
import subprocess
import sys
import termios
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.text import Text

from dockcred.testing.sandbox import Sandbox

PLACE = Path(__file__).parents[1] / "pictures"
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SHOWN_HOME = "/home/ada"  # of the same length as the real one, so that lines fold alike
_COLUMNS, _ROWS = 80, 60
_PROGRAMS = ("docker", "podman")
_PROFILES = """\
[profile dev]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = pull
region = eu-west-1

[profile prod]
sso_session = corp
sso_account_id = 210987654321
sso_role_name = pull
region = eu-west-1

[sso-session corp]
sso_start_url = https://corp.awsapps.com/start
sso_region = eu-west-1
"""
_LOGIN = '{"auths": {"registry.example.com": {"auth": "YWRhOmhpZGRlbg=="}}}\n'
_ASKS = f'{{"credHelpers": {{"{HOST}": "auto"}}}}\n'
# The text is drawn in the reader's own font: nothing is fetched.
_FONT = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
_FORMAT = _FONT.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code, ", "")


class Home:
    """A home of somebody with two AWS profiles, docker and podman."""

    def __init__(self, path: Path, more: Mapping[str, str]) -> None:
        self.path = path
        own_bin = path / ".local/bin"
        self.variables = {
            "HOME": str(path),
            "PATH": f"{own_bin}:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "COLUMNS": str(_COLUMNS),
            "LANG": "C.UTF-8",
            "AWS_EC2_METADATA_DISABLED": "true",
            **more,
        }
        own_bin.mkdir(parents=True)
        for name in _PROGRAMS:
            (own_bin / name).symlink_to(shutil.which(name) or f"/no/{name}")
        (own_bin / "dockcred").symlink_to(Path(sys.executable).parent / "dockcred")
        self.write(".aws/config", _PROFILES)

    def write(self, name: str, text: str) -> None:
        """Write a private file."""
        path = self.path / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def prepare(self, *words: str) -> None:
        """Run `dockcred`, which must succeed and is not shown."""
        subprocess.run(
            [self.path / ".local/bin/dockcred", *words],
            env=self.variables,
            check=True,
            capture_output=True,
        )

    def picture(self, *words: str) -> str:
        """Run `dockcred` on a terminal and return the picture of it."""
        shown = self._run(*words).replace(str(self.path), SHOWN_HOME)
        console = Console(
            record=True,
            width=_COLUMNS,
            file=io.StringIO(),
            force_terminal=True,
            color_system="truecolor",
        )
        command = " ".join(("dockcred", *words))
        console.print(Text(f"$ {command}\n", style="bold"))
        console.print(Text.from_ansi(shown))
        return console.export_svg(title=command, code_format=_FORMAT)

    def _run(self, *words: str) -> str:
        child, terminal = pty.fork()
        if not child:
            # On stderr it says what it is at, which is gone in the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            program = str(self.path / ".local/bin/dockcred")
            os.chdir(self.path)
            os.execve(program, ["dockcred", *words], self.variables)  # noqa: S606
        size = struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
        found = b""
        while True:
            try:
                read = os.read(terminal, 65536)
            except OSError:  # so Linux says that the other end is closed
                break
            if not read:
                break
            found += read
        os.waitpid(child, 0)
        os.close(terminal)
        return found.decode().replace("\r\n", "\n")


@contextmanager
def _home(more: Mapping[str, str]) -> Iterator[Home]:
    path = Path("/tmp", secrets.token_hex(2))  # noqa: S108 - made here, for us alone
    path.mkdir(mode=0o700)
    try:
        yield Home(path, more)
    finally:
        shutil.rmtree(path)


def setup_plan() -> str:
    """Draw the plan of `dockcred setup`, where a vault keeps logins."""
    with _home({}) as home:
        home.write(".docker/config.json", _LOGIN)
        home.prepare("vault", "create", "--key-file", f"{home.path}/.vault.key")
        return home.picture("setup", "--dry-run")


def doctor_break() -> str:
    """Draw `dockcred doctor` where keys are asked that AWS does not know."""
    with Sandbox() as cloud:
        known = cloud.environment("sso")
        more = {name: value for name, value in known.items() if "ENDPOINT" in name}
        more |= {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
        more |= {"AWS_SECRET_ACCESS_KEY": "not-a-key"}
        with _home(more) as home:
            home.prepare("install", "--dir", str(home.path / ".local/bin"))
            home.write(".docker/config.json", _ASKS)
            return home.picture("doctor", HOST, "--client", "docker")


PICTURES = {"setup.svg": setup_plan, "doctor.svg": doctor_break}


def main() -> int:
    """Draw all pictures; those that need a client that is missing are left."""
    for name in _PROGRAMS:
        if not shutil.which(name):
            sys.stderr.write(f"{name} is not here: no picture is drawn\n")
            return 1
    PLACE.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (PLACE / name).write_text(draw(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
