"""Draw the pictures of README from real runs: `make pictures`.

Each picture shows the output of commands on a terminal of 80 columns, in a home
directory made for it. The cloud is the sandbox; the first pull uses a real docker and a
real registry. rich's recorder converts the output to SVG.
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
SHOWN_HOME = "/home/ada"  # as long as the real one: lines wrap at the same place
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
_KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
# Lines that repeat the files of the plan above; they are not shown.
_WRITTEN = re.compile(r"(?:^wrote .*\n(?:^/.*\n)?)+", re.MULTILINE)
# Without web fonts: the reader's own font is used, and nothing is downloaded.
_FONT = re.compile(r"@font-face \{\{.*?\}\}\s*", re.DOTALL)
_FORMAT = _FONT.sub("", CONSOLE_SVG_FORMAT).replace("Fira Code, ", "")


class Home:
    """The home directory of a user with two AWS profiles, docker and podman."""

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
        """Write a file that only its owner can read (mode 600)."""
        path = self.path / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o600)

    def prepare(self, *words: str) -> None:
        """Run `dockcred`, which must succeed; its output is not shown."""
        subprocess.run(
            [self.path / ".local/bin/dockcred", *words],
            env=self.variables,
            check=True,
            capture_output=True,
        )

    def picture(self, *words: str) -> str:
        """Run `dockcred` on a terminal; return the picture as SVG."""
        program = str(self.path / ".local/bin/dockcred")
        command = " ".join(("dockcred", *words))
        return self.drawn(command, [(command, self.run(program, *words))])

    def drawn(self, title: str, runs: list[tuple[str, str]]) -> str:
        """Return the picture of commands with their outputs, as SVG."""
        console = Console(
            record=True,
            width=_COLUMNS,
            file=io.StringIO(),
            force_terminal=True,
            color_system="truecolor",
        )
        for number, (command, shown) in enumerate(runs):
            console.print(Text(("\n" if number else "") + f"$ {command}", style="bold"))
            console.print()
            text = shown.replace(str(self.path), SHOWN_HOME).rstrip("\n")
            console.print(Text.from_ansi(text))
        return console.export_svg(title=title, code_format=_FORMAT)

    def run(self, *argv: str) -> str:
        """Run a program on a terminal; return its stdout."""
        child, terminal = pty.fork()
        if not child:
            # stderr has progress messages, which are erased in the end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
            os.chdir(self.path)
            os.execve(argv[0], argv, self.variables)  # noqa: S606
        size = struct.pack("HHHH", _ROWS, _COLUMNS, 0, 0)
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, size)
        found = b""
        while True:
            try:
                read = os.read(terminal, 65536)
            except OSError:  # on Linux: the other end of the terminal is closed
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
    """Draw the plan of `dockcred setup`, with logins in a vault."""
    with _home({}) as home:
        home.write(".docker/config.json", _LOGIN)
        home.prepare("vault", "create", "--key-file", f"{home.path}/.vault.key")
        return home.picture("setup", "--dry-run")


def doctor_break() -> str:
    """Draw `dockcred doctor` with access keys that AWS does not know."""
    with Sandbox() as cloud:
        known = cloud.environment("sso")
        more = {name: value for name, value in known.items() if "ENDPOINT" in name}
        more |= {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE"}
        more |= {"AWS_SECRET_ACCESS_KEY": "not-a-key"}
        with _home(more) as home:
            home.prepare("install", "--dir", str(home.path / ".local/bin"))
            home.write(".docker/config.json", _ASKS)
            return home.picture("doctor", HOST, "--client", "docker")


def first_pull() -> str:
    """Draw a pull that docker refuses, `dockcred setup`, and the same pull again.

    The docker engine and the registry are real, in a network of their own, by the code
    of tests/real: PYTHONPATH must have the folder tests. It needs root.
    """
    from real.clouds import open_clouds, put_image  # noqa: PLC0415 - of the tests
    from real.engine import open_engine, write_layer  # noqa: PLC0415
    from real.registry import HOSTS, make_certificates  # noqa: PLC0415
    from real.world import open_world  # noqa: PLC0415

    image = f"{HOST}/team/app:1"
    with (
        open_world(HOSTS, make_certificates) as world,
        open_clouds(world) as served,
        open_engine(world) as engine,
        _home({}) as home,
    ):
        put_image(
            world, f"tarball:{write_layer(world.directory / 'layer')}", "team/app:1"
        )
        known = dict(served["environments"]["env-keys"])
        keys = (f"{name.lower()} = {known.pop(name)}\n" for name in _KEYS)
        home.write(".aws/credentials", f"[default]\n{''.join(keys)}")
        (home.path / ".aws/config").unlink()
        own_bin = home.path / ".local/bin"
        (own_bin / "podman").unlink()
        home.variables |= known | {"DOCKER_HOST": engine, "PATH": str(own_bin)}
        # The vault stands for the keychain that most people have for typed logins.
        home.prepare("vault", "create", "--key-file", f"{home.path}/.vault.key")
        setup = ("dockcred", "setup", "--yes", HOST)

        def pull() -> tuple[str, str]:
            command = ("docker", "pull", image)
            argv = (str(own_bin / "docker"), *command[1:])
            # Not on a terminal: there docker draws progress bars over its output.
            done = world.run(*argv, env=home.variables)
            return " ".join(command), done.stdout + done.stderr

        refused = pull()
        done = home.run(*world.command(str(own_bin / "dockcred"), *setup[1:]))
        told = (" ".join(setup), _WRITTEN.sub("…\n", done))
        return home.drawn("docker pull", [refused, told, pull()])


PICTURES = {
    "pull.svg": first_pull,
    "setup.svg": setup_plan,
    "doctor.svg": doctor_break,
}


def main() -> int:
    """Draw all pictures; return 1 and draw none if docker or podman is missing."""
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
