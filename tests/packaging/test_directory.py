"""The node directory runs on any Linux: in empty roots, old ones, and on arm64."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from support.directory import MACHINE, PLUGIN, PYTHON, Root, build, tree
from support.kubelet import IMAGE, password, request
from support.once import make_once
from support.program import BUSY_S, Program, wait_until
from support.real import missing, program, require
from support.release import ROOT

from dockcred.testing.sandbox import Sandbox

pytestmark = pytest.mark.slow

PROVIDER = f"plugins/{PLUGIN}"
MOST_BYTES = 45_000_000
SLOWER_AT_MOST = 1.10
IMPORT_ALL = """
import os, sys
place = [path for path in sys.path if path.endswith("lib-dynload")][0]
names = sorted(name.partition(".")[0] for name in os.listdir(place))
for name in names:
    __import__(name)
print(*names)
"""
BY_A_THREAD = """
import _thread, time
_thread.start_new_thread(_thread.exit, ())
_thread.start_new_thread(time.sleep, (0.05,))
time.sleep(0.02)
"""


@pytest.fixture
def alone(directory: Path, tmp_path: Path) -> Root:
    """A root for chroot that has only the directory and /proc."""
    return Root(tmp_path / "root", directory).make()


@pytest.fixture
def cloud():
    """A cloud over plain HTTP: these roots do not have the sandbox's certificate."""
    with Sandbox() as sandbox:
        yield sandbox


def node(cloud: Sandbox, **more: str) -> dict[str, str]:
    """Return the variables of a plugin that uses the node's identity in the cloud."""
    variables = cloud.environment("instance-profile", inherit={})
    kept = {n: v for n, v in variables.items() if n.startswith("AWS_")}
    return {"PATH": "/usr/bin:/bin"} | kept | more


def ask(root: Root, cloud: Sandbox, name: str = PROVIDER, **more: str):
    return root(name, environment=node(cloud, **more), stdin=request())


def test_it_answers_where_there_is_nothing_else(alone, cloud, directory):
    """There is no shell, no libc and no /dev; and nothing is written into the root."""
    before = tree(directory)
    assert {path.name for path in alone.path.iterdir()} == {"opt", "proc"}
    assert cloud.minted(password(ask(alone, cloud)))
    calls = cloud.calls.total()
    assert cloud.minted(password(ask(alone, cloud)))
    assert cloud.calls.total() == calls, "the second answer is the cache's"
    assert tree(directory) == before


def test_every_library_that_it_loads_is_in_it(alone, directory):
    """Each extension module of the standard library is loaded in the empty root."""
    answer = alone("bin/python3", "-IS", "-c", IMPORT_ALL, environment={})
    assert answer.status == 0, answer.stderr
    assert {b"_ssl", b"_ctypes", b"_hashlib"} <= {*answer.stdout.split()}


def test_a_thread_may_end_in_it(alone):
    """libc loads a library for that, which no ELF file names, and else it aborts."""
    answer = alone("bin/python3", "-IS", "-c", BY_A_THREAD, environment={})
    assert (answer.status, answer.stderr) == (0, b"")


def test_the_host_s_libraries_are_not_loaded(alone, cloud, tmp_path):
    """Neither ld.so's cache nor LD_LIBRARY_PATH leads to another libc."""
    for name in ("libc.so.6", "libz.so.1", "libssl.so.3"):
        (alone.path / name).write_bytes(b"\x7fELF of another machine")
    answer = ask(alone, cloud, LD_LIBRARY_PATH="/")
    assert cloud.minted(password(answer))


@pytest.mark.parametrize("place", ["/a place/with blanks", "/" + "d" * 200])
def test_it_runs_wherever_it_lies(directory, tmp_path, cloud, place):
    root = Root(tmp_path / "root", directory, place).make()
    assert cloud.minted(password(ask(root, cloud)))


def test_it_is_found_by_a_link(alone, cloud):
    """kubelet's plugin directory may be another one, with a link to the plugin."""
    (alone.path / "plugins").mkdir()
    (alone.path / "plugins" / PLUGIN).symlink_to(f"/opt/dockcred/{PROVIDER}")
    assert cloud.minted(password(ask(alone, cloud, f"../../plugins/{PLUGIN}")))


def test_a_python_that_it_starts_is_its_own(alone):
    """sys.executable starts the background refresh, without variables."""
    code = "import os, sys; os.execve(sys.executable, ['x', '-c', 'print(6*7)'], {})"
    answer = alone("bin/python3", "-IS", "-c", code, environment={})
    assert (answer.status, answer.stdout) == (0, b"42\n"), answer.stderr


def test_it_refreshes_in_the_background(alone):
    with Sandbox(expires_s=4) as cloud:
        first = password(ask(alone, cloud))
        wait_until(lambda: password(ask(alone, cloud)) != first)


def test_without_proc_it_says_what_it_needs(directory, tmp_path):
    if not Path("/usr/sbin/chroot").exists():
        missing("chroot is not installed")
    root = Root(tmp_path / "root", directory).make()
    shutil.copytree(directory / "plugins", root.path / "plugins")
    answer = Program("/usr/sbin/chroot")(
        str(root.path), f"/plugins/{PLUGIN}", environment={}
    )
    assert answer.status == 1
    assert answer.stderr.endswith(b"mount /proc\n")


def test_it_runs_on_the_oldest_debian(directory, cloud):
    """It is from 2021, and its own libc is 2.31."""
    old = MACHINE / "debian-11"
    if not (old / "etc/debian_version").exists():
        missing(f"there is no Debian 11 in {old}, where .ci/run makes one")
    assert (old / "lib/x86_64-linux-gnu/libc-2.31.so").exists()
    root = Root(old, directory, "/tmp")
    answer = ask(root, cloud, DOCKCRED_CACHE_DIR="/proc/nowhere")
    assert cloud.minted(password(answer))


def test_anyone_builds_the_same_bytes(directory, tmp_path):
    """Hash seed, time zone, umask and directory have no effect."""
    variables = {"PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "HOME": "/nonexistent"}
    build(tmp_path / "elsewhere/it", **variables)
    assert tree(tmp_path / "elsewhere/it") == tree(directory)


def test_it_is_at_most_so_large(directory):
    """Both the sum of the file sizes and the used disk blocks are limited."""
    sizes = [p.lstat().st_size for p in directory.rglob("*") if p.is_file()]
    assert sum(sizes) < MOST_BYTES
    assert sum((size + 4095) // 4096 * 4096 for size in sizes) < MOST_BYTES


INSTALL = ROOT / "packaging/kubernetes/install"
NODE = "bin/dockcred-node"
_INSTALLER = """
node=$1
shift
mount -t proc proc "$node/proc"
[ -z "${NOEXEC-}" ] || mount -t tmpfs -o noexec none "$node/opt"
exec ${BY-} "$@"
"""


@pytest.fixture
def bare_node(tmp_path: Path, own_mounts) -> Path:
    """A root with /proc and the directories of every node, without any program."""
    root = tmp_path / "node"
    for name in ("proc", "etc", "opt", "run"):
        (root / name).mkdir(parents=True)
    return root


def installer(directory: Path, asked: str, root: Path, **more: str):
    """Run the installer as its image does, with the node's root mounted."""
    config = root.parent / "config"
    config.mkdir(exist_ok=True)
    shutil.copy(INSTALL / "configs/aws.yaml", config / "credential-provider.yaml")
    own = {"HOST": str(root), "CONFIG": str(config), "ONCE": "1"}
    return Program("/usr/bin/unshare")(
        *("--mount", "/bin/sh", "-euc", _INSTALLER, "sh", str(root)),
        *(str(directory / NODE), asked),
        environment={"PATH": "/usr/sbin:/usr/bin:/bin"} | own | more,
    )


def on_node(root: Path, cloud: Sandbox, plugin: str):
    """Ask the plugin as the node's kubelet does."""
    return Program("/usr/bin/unshare")(
        *("--mount", "/bin/sh", "-euc", _INSTALLER, "sh", str(root)),
        *("/usr/sbin/chroot", str(root), plugin),
        environment=node(cloud),
        stdin=request(),
    )


def everything(root: Path) -> set[str]:
    return {name for name in tree(root) if not name.startswith("run/")}


def test_the_installer_puts_it_on_a_node_that_has_no_program(
    directory, bare_node, cloud
):
    done = installer(directory, "install", bare_node)
    assert done.status == 0, done.stderr
    assert tree(bare_node / "opt/dockcred").keys() == tree(directory).keys()
    assert (bare_node / "etc/dockcred/credential-provider.yaml").is_file()
    answer = on_node(bare_node, cloud, f"/opt/dockcred/{PROVIDER}")
    assert cloud.minted(password(answer))


@pytest.mark.parametrize("place", ["/opt/dockcred", "/var/lib/our own/dockcred"])
def test_what_was_installed_is_removed_without_a_trace(
    directory, bare_node, cloud, place
):
    """It is installed twice, as a new version is; also into kubelet's own directory."""
    where = {"BIN_DIR": "/opt/kubelet-plugins", "DIRECTORY": place}
    (bare_node / "var/lib/our own").mkdir(parents=True)
    (bare_node / "opt/kubelet-plugins").mkdir()
    before = everything(bare_node)
    for _ in range(2):
        assert installer(directory, "install", bare_node, **where).status == 0
    answer = on_node(bare_node, cloud, f"/opt/kubelet-plugins/{PLUGIN}")
    assert cloud.minted(password(answer))
    done = installer(directory, "remove", bare_node, **where)
    assert done.status == 0, done.stderr
    assert everything(bare_node) == before
    assert not (bare_node / "run/dockcred").exists()


def test_a_newer_one_takes_the_place_in_one_step(directory, bare_node, tmp_path):
    """kubelet may start the plugin at any moment, so its path must always exist."""
    assert installer(directory, "install", bare_node).status == 0
    (bare_node / "opt/dockcred/of the older").touch()
    log = tmp_path / "renames"
    strace = (program("strace"), "-f", "-e", "trace=rename,renameat,renameat2")
    done = installer(
        directory, "install", bare_node, BY=" ".join((*strace, "-o", str(log)))
    )
    assert done.status == 0, done.stderr
    renamed = [line for line in log.read_text().splitlines() if 'opt/dockcred"' in line]
    assert len(renamed) == 1, renamed
    assert renamed[0].endswith(", RENAME_EXCHANGE) = 0")
    assert {path.name for path in (bare_node / "opt").iterdir()} == {"dockcred"}
    assert not (bare_node / "opt/dockcred/of the older").exists()


def test_a_node_that_cannot_run_it_is_left_as_it_was(directory, bare_node):
    """If the file system forbids execution, it says so and removes all again."""
    before = everything(bare_node)
    done = installer(directory, "install", bare_node, NOEXEC="1")
    assert done.status == 1
    assert b"/opt/dockcred is where nothing may be executed" in done.stderr
    assert everything(bare_node) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_the_installer_waits_until_it_is_ended(directory, bare_node, number):
    """It is its container's first process, for which signals need a handler."""
    alone = ("--pid", "--fork", "--kill-child", "--mount-proc", "--mount")
    running = Program("/usr/bin/unshare").start(
        *(*alone, str(directory / NODE), "remove"),
        environment={"HOST": str(bare_node)},
    )
    assert running.stdout.readline() == b"remove: done\n"
    (first,) = (
        Path(f"/proc/{running.pid}/task/{running.pid}/children").read_text().split()
    )
    os.kill(int(first), number)
    assert running.wait(BUSY_S) == 0, running.stderr.read()
    for stream in (running.stdin, running.stdout, running.stderr):
        stream.close()


@pytest.mark.parametrize("words", [(), ("instal",), ("install", "now")])
def test_the_installer_says_how_it_is_used(directory, words):
    answer = Program(str(directory / NODE))(*words, environment={})
    assert (answer.status, answer.stdout) == (2, b"")
    assert answer.stderr == b"usage: dockcred-node install|remove\n"


def test_no_file_names_where_it_was_built(directory):
    """Bytecode has the final path: then Python need not change it at import."""
    code = (directory / "lib/python3.11/__pycache__").glob("os.*.pyc")
    assert b"/opt/dockcred/lib/python3.11/os.py" in next(code).read_bytes()
    build_place = str(directory).encode()
    for path in directory.rglob("*"):
        assert not path.is_file() or build_place not in path.read_bytes(), path


def test_it_starts_as_fast_as_the_machine_s_own_python(directory, tmp_path, cloud):
    """Compares the instructions of a cached answer, by Debian's loader and by ours."""
    place = tmp_path / "dockcred"
    shutil.copytree(directory, place)
    environment = node(cloud, DOCKCRED_CACHE_DIR=str(tmp_path / "cache"))
    answer = Program(str(place / PROVIDER))(environment=environment, stdin=request())
    assert cloud.minted(password(answer))
    modules = next(place.glob("lib/python3.*"))
    code = f"import sys; sys.path.append({str(modules)!r})\n"
    (tmp_path / "program").write_text(
        code + (place / f"lib/programs/{PLUGIN}").read_text()
    )
    own = _instructions(tmp_path, environment, PYTHON, "-IS", str(tmp_path / "program"))
    ours = _instructions(tmp_path, environment, str(place / PROVIDER))
    print(f"instructions: the machine's Python {own:,}, the directory's {ours:,}")
    assert ours < SLOWER_AT_MOST * own


def _instructions(place: Path, environment: dict[str, str], *command: str) -> int:
    """Return the instructions of a command, of all programs that it executes."""
    for old in place.glob("counted.*"):
        old.unlink()
    done = subprocess.run(
        [
            program("valgrind"),
            "--tool=callgrind",
            "--trace-children=yes",
            f"--callgrind-out-file={place}/counted.%p",
            *command,
        ],
        env=environment,
        input=request(),
        capture_output=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = [int(n) for n in re.findall(rb"Collected : (\d+)", done.stderr)]
    assert said, done.stderr
    return sum(said)


ARM = """
mount -t binfmt_misc none /proc/sys/fs/binfmt_misc
printf '%s' "$1" >/proc/sys/fs/binfmt_misc/register
shift
exec "$@"
"""
# binfmt_misc: 64-bit ELF of machine 183; magic, mask, interpreter; F opens it at once.
HANDLER = (
    r":arm:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:"
    r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:"
)


@pytest.fixture(scope="session")
def arm64(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the node directory for arm64, built from Debian's files for arm64."""
    source = MACHINE / "arm64"
    if not source.is_dir():
        missing(
            f"there are no files of Debian's arm64 in {source}, as .ci/run has them"
        )
    make = lambda place: build(place / "dockcred", "--root", source)  # noqa: E731
    return make_once(tmp_path_factory, "node-arm64", make) / "dockcred"


def test_it_runs_on_arm64(arm64, tmp_path, cloud):
    """The kernel starts qemu for arm64 programs, only in these namespaces."""
    qemu = program("qemu-aarch64-static")
    own = ("unshare", "--user", "--map-root-user", "--mount")
    require(*own, "mount", "-t", "binfmt_misc", "none", "/proc/sys/fs/binfmt_misc")
    root = tmp_path / "root"
    (root / "proc").mkdir(parents=True)
    shutil.copytree(arm64, root / "opt/dockcred")
    inside = ("/bin/sh", "-euc", ARM, "sh", f"{HANDLER}{qemu}:F")
    mounted = 'mount --rbind /proc "$1/proc" && exec /usr/sbin/chroot "$@"'
    answer = Program("/usr/bin/unshare")(
        *(*own[1:], *inside, "/bin/sh", "-euc", mounted, "sh", str(root)),
        f"/opt/dockcred/{PROVIDER}",
        environment=node(cloud),
        stdin=request(IMAGE),
    )
    assert cloud.minted(password(answer)), answer


def test_both_machines_get_the_same_modules(arm64, directory):
    """Sources and bytecode are the same; libraries and files naming them differ."""
    ours, theirs = tree(directory), tree(arm64)
    same = [n for n in ours if "/dockcred/" in n or n.startswith("lib/programs/")]
    assert len(same) > 100
    assert {name: theirs[name] for name in same} == {name: ours[name] for name in same}
    machine = [
        n for n in theirs if n.endswith(".so") or n.startswith(("bin/", "plugins/"))
    ]
    for name in machine:
        _, _, content = theirs[name]
        assert not content or content[:4] != b"\x7fELF" or content[18] == 183, name
