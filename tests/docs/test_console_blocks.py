"""Every block of commands in the documentation does what it shows."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from support.documents import ROOT, Block, agrees, blocks, written
from support.real import require_own_mounts, require_root

from dockcred.testing.sandbox import Sandbox

LIMIT_S = 120
# root's directory for launchers belongs to the machine. So an overlay is mounted on it
# in the block's own mount namespace: what a block installs is gone with it.
LAID_OVER = """
mount -t tmpfs blocks "$UPPER" && mkdir "$UPPER/upper" "$UPPER/work" &&
mount -t overlay blocks -o "lowerdir=$1,upperdir=$UPPER/upper,workdir=$UPPER/work" "$1"
shift
exec "$@"
"""
MAKE_S = ("MAKE", "MFLAGS")
LAUNCHERS = ("~/.local/bin", "/usr/local/bin")
LOGIN = '{"auths": {"registry.example.com": {"auth": "bWU6c2VjcmV0"}}}'
CONSOLE = [block for block in blocks("console") if not block.elsewhere]


def shell(block: Block, home: Path) -> list[str]:
    """Return the command of the shell for a block; root gets its own /usr/local/bin."""
    command = ["bash", "--norc", "--noprofile", "-u"]
    if os.geteuid() != 0:
        if any("/usr/local/bin" in typed for typed, _ in block.steps()):
            require_root("to install into /usr/local/bin")
        return command
    require_own_mounts()
    (home / "upper").mkdir()
    return [
        "unshare",
        "--mount",
        "sh",
        "-euc",
        LAID_OVER,
        "sh",
        "/usr/local/bin",
        *command,
    ]


def prepare(block: Block, home: Path) -> None:
    """Write the files into the home directory that the block needs."""
    if "with a login" in block.how:
        (home / ".docker").mkdir()
        (home / ".docker/config.json").write_text(LOGIN)


@pytest.mark.parametrize("block", CONSOLE, ids=str)
def test_a_block_does_what_it_shows(
    block: Block, helper_bin: Path, tmp_path: Path
) -> None:
    steps = block.steps()
    script = "".join(
        f"{{\n{command}\n}} >{tmp_path}/{n}.out 2>{tmp_path}/{n}.err\n"
        f"echo $? >{tmp_path}/{n}.rc\n"
        for n, (command, _) in enumerate(steps)
    )
    # With TLS there is the sandbox's proxy: `make` could not download libraries by it.
    with Sandbox(tls="in the project" not in block.how) as cloud:
        # With make's own variables an inner make would print the directories it enters.
        typed = {n: v for n, v in os.environ.items() if not n.startswith(MAKE_S)}
        variables = cloud.environment(block.identity, inherit=typed)
        variables |= {
            "PATH": ":".join((*LAUNCHERS, str(helper_bin), os.environ["PATH"])).replace(
                "~", variables["HOME"]
            ),
            "UPPER": str(tmp_path / "upper"),
            "PYTHON": sys.executable,
            "TERM": "dumb",
            "COLUMNS": "300",
        }
        prepare(block, Path(variables["HOME"]))
        done = subprocess.run(
            shell(block, tmp_path),
            input=script,
            env=variables,
            cwd=ROOT if "in the project" in block.how else variables["HOME"],
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    assert done.stderr == "", done.stderr
    for n, (command, shown) in enumerate(steps):
        out, err, status = (
            (tmp_path / f"{n}.{kind}").read_text() for kind in ("out", "err", "rc")
        )
        fails = "fails" in block.how and n == len(steps) - 1
        assert (status != "0\n") == fails, f"{command}\nends with {status}{out}{err}"
        assert not shown or agrees(shown, out or err), f"{command}\nprints {out}{err}"


@pytest.mark.parametrize("block", blocks("python"), ids=str)
def test_a_piece_of_python_runs(block: Block) -> None:
    with Sandbox(tls=True) as cloud:
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(block.text)],
            env=cloud.environment(block.identity),
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    assert done.returncode == 0, done.stderr


def test_a_block_that_is_run_elsewhere_names_the_test() -> None:
    for block in blocks("console"):
        if block.elsewhere:
            assert (ROOT / block.elsewhere).is_file(), f"{block}: {block.elsewhere}"


WAYS = ("pip", "pipx", "uv", "deb", "one-file")


@pytest.mark.parametrize("way", WAYS)
def test_a_tab_of_the_readme_is_what_the_page_says_of_this_way(way: str) -> None:
    """The page also installs the launchers, which README leaves to `setup`.

    tests/real/test_machine.py runs the tab.
    """
    tab = written(f"comes by {way}", "README.md")
    assert [*tab, "dockcred install"] == [
        *written(f"comes by {way}", "install.md"),
        *(["dockcred install"] if way in {"deb", "one-file"} else []),
    ]


def test_every_tab_of_the_readme_is_one_of_these_and_is_closed() -> None:
    text = (ROOT / "README.md").read_text()
    assert text.count("<details") == text.count("</details>") == len(WAYS)
    assert text.count("<details open>") == 1


def test_there_are_blocks_and_each_has_commands() -> None:
    assert len(CONSOLE) > 5
    assert all(block.steps() for block in CONSOLE)
