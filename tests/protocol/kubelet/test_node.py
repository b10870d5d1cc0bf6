"""K2, K10: the plugin on a node, and the files and processes that it leaves."""

from __future__ import annotations

import os
import stat
import subprocess
import time

import pytest
from support import entries
from support.kubelet import complaint, password, request, response
from support.program import BUSY_S, HARD_LIMIT_S, HOST, Answer
from support.real import missing, require_own_mounts

IMAGES = [f"{HOST}/team/app-{number}" for number in range(10)]


def test_ten_images_at_boot_are_one_mint(plugin, node, cloud):
    """K10: kubelet runs the plugin once per image, all at the same time."""
    running = [plugin.start(environment=node()) for _ in IMAGES]
    answers = []
    for process, image in zip(running, IMAGES, strict=True):
        process.stdin.write(request(image))
        process.stdin.close()
        process.stdin = None
    for process in running:
        stdout, stderr = process.communicate(timeout=HARD_LIMIT_S)
        answers.append(Answer(process.returncode, stdout, stderr, 0.0))
    assert len({password(answer) for answer in answers}) == 1
    assert cloud.calls["ecr:GetAuthorizationToken"] == 1
    assert cloud.calls["imds:credentials"] == 1


def test_kubelet_s_clock_is_never_reached(plugin, node, cloud):
    """If a cloud does not answer, the call ends at its own timeout, with the cause."""
    cloud.fail("ecr:hang")
    environment = node(DOCKCRED_TIMEOUT="1.5")
    answer = plugin(environment=environment, stdin=request())
    assert "gave up after 1.5 s" in complaint(answer)


def test_a_stdin_that_is_never_closed_ends_too(plugin, node):
    process = plugin.start(environment=node(DOCKCRED_TIMEOUT="1"))
    process.stdin.write(request())
    process.stdin.flush()
    assert process.wait(timeout=BUSY_S) == 1
    assert process.stdout.read() == b""
    assert b"which was not closed" in process.stderr.read()
    for stream in (process.stdin, process.stdout, process.stderr):
        stream.close()


@pytest.fixture
def unshared():
    """Return a function: it runs the plugin on a read-only root with an empty /run."""
    require_own_mounts()
    script = (
        "mount --make-rprivate / && mount -t tmpfs run /run && "
        "mount --bind / / && mount -o remount,ro,bind / && "
        "cd / && %s; status=$?; find /run -type f >&2; stat -c '%%a %%U' /run/dockcred "
        ">&2; exit $status"
    )

    def run(path: str, environment: dict[str, str]) -> subprocess.CompletedProcess:
        return subprocess.run(
            ["unshare", "--mount", "sh", "-c", script % path],
            env=environment,
            input=request(),
            capture_output=True,
            timeout=HARD_LIMIT_S,
            check=False,
        )

    return run


def test_as_root_the_cache_is_in_run_and_nothing_else_is_written(
    unshared, plugin, node
):
    """There is no HOME, PATH has two directories, the root file system is read-only."""
    environment = node()
    del environment["DOCKCRED_CACHE_DIR"]
    done = unshared(plugin.path, environment)
    assert done.returncode == 0, done.stderr
    assert b'"username":"AWS"' in done.stdout
    *files, mode = done.stderr.decode().splitlines()
    assert any(file.startswith(f"/run/dockcred/ecr,{HOST},") for file in files)
    assert all(file.startswith("/run/dockcred/") for file in files)
    assert mode == "700 root"


def test_a_disk_that_is_full_or_read_only_costs_no_pull(plugin, node, tmp_path):
    """No cache can be written, but the credential is answered."""
    file = tmp_path / "file"
    file.touch()
    environment = node(DOCKCRED_CACHE_DIR=str(file / "cache"))
    assert password(plugin(environment=environment, stdin=request()))


def test_a_person_s_files_have_no_say_as_root(plugin, node, cloud, tmp_path):
    """The plugin ignores ~/.aws and ~/.config of the HOME that kubelet inherited."""
    if os.geteuid() != 0:
        missing("only root is the node")
    (tmp_path / ".aws").mkdir()
    (tmp_path / ".aws/credentials").write_text(
        "[default]\naws_access_key_id = AKIAPERSON\naws_secret_access_key = x\n"
    )
    config = tmp_path / ".config/dockcred"
    config.mkdir(parents=True)
    (config / "config.toml").write_text('store = "nonsense"\n')
    environment = node(HOME=str(tmp_path), XDG_CONFIG_HOME=str(tmp_path / ".config"))
    answer = plugin(environment=environment, stdin=request())
    minted = cloud.minted(password(answer))
    assert "assumed-role/instance-profile" in minted.principal
    fields = response(
        plugin(environment=environment, stdin=request("registry.example/x"))
    )
    assert fields["auth"] == {}


def test_the_plugin_s_files_are_its_own_alone(plugin, node, tmp_path):
    password(plugin(environment=node(), stdin=request()))
    made = list((tmp_path / "cache").rglob("*"))
    assert made
    for path in (tmp_path / "cache", *made):
        assert not path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO), path


def test_no_process_is_left_behind(plugin, node, cloud):
    """The plugin starts no background refresh: kubelet's own cache asks again."""
    password(plugin(environment=node(), stdin=request()))
    # A helper would refresh in the third quarter of the lifetime.
    entries.age_to(entries.only(node()), 0.6)
    cloud.reset()
    password(plugin(environment=node(), stdin=request()))
    time.sleep(0.7)
    assert not cloud.calls["ecr:GetAuthorizationToken"]
