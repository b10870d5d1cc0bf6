"""A get's imports: nothing slow if the cache answers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from support.program import BUSY_S, HOST

HEAVY = {
    "_hashlib",
    "_socket",
    "_ssl",
    "argparse",
    "asyncio",
    "boto3",
    "botocore",
    "click",
    "dataclasses",
    "datetime",
    "email",
    "enum",
    "hashlib",
    "http",
    "inspect",
    "json",
    "logging",
    "pathlib",
    "re",
    "socket",
    "ssl",
    "subprocess",
    "tempfile",
    "threading",
    "typing",
    "urllib",
}
FILES = {
    "plain": b'{"credsStore": "auto", "credHelpers": {"r.example": "auto"}, "auths": {}}',
    "unusual": b'{"credsStore": "auto", "HttpHeaders": {"X-Name": "\\u00e9"}}',
}


@pytest.fixture
def imported(helper_bin):
    """Return a function: it runs a get like a launcher, and returns imported modules.

    It passes the import directories, since Python with -I -S reads no .pth file.
    """
    python = str(helper_bin / "python")
    where = "import docker_credential_ecr_login as m, dockcred as d; print(m.__file__, d.__path__[0])"
    found = subprocess.run(
        [python, "-I", "-c", where], capture_output=True, text=True, check=True
    ).stdout.split()
    roots = [path.rpartition("/")[0] for path in found]

    def run(environment, verb="get", program="docker_credential_ecr_login"):
        code = (
            f"import sys; sys.path[:0] = {roots!r}; sys.argv[1:] = [{verb!r}]; "
            f"from {program} import main; main()"
        )
        done = subprocess.run(
            [python, "-I", "-S", "-X", "importtime", "-c", code],
            env=environment,
            input=HOST.encode(),
            capture_output=True,
            timeout=BUSY_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        lines = done.stderr.decode().splitlines()
        return {line.rpartition("|")[2].strip() for line in lines if "|" in line}

    return run


def _heavy(modules: set[str]) -> set[str]:
    return {name for name in modules if name.partition(".")[0] in HEAVY}


@pytest.mark.parametrize(
    "identity", ["env-keys", "instance-profile", "web-identity", "sso", "assume-role"]
)
def test_a_cached_get_imports_nothing_heavy(identity, ecr, cloud, imported):
    environment = cloud.environment(identity)
    ecr.get(environment)
    modules = imported(environment)
    assert "dockcred.identity.store" in modules
    assert _heavy(modules) == set()
    assert cloud.calls.total() > 0


def test_a_get_that_is_counted_for_nobody_imports_nothing_that_counts(
    ecr, cloud, imported, tmp_path
):
    environment = cloud.environment()
    counts = {"dockcred.system.metrics", "dockcred.system.prometheus_file"}
    ecr.get(environment)
    assert not imported(environment) & counts
    counted = imported(environment | {"DOCKCRED_METRICS": str(tmp_path / "metrics")})
    assert counts <= counted
    assert _heavy(counted) == set()


def test_the_guard_sees_what_a_cold_get_imports(cloud, imported):
    """Otherwise the tests of hits could not fail."""
    modules = imported(cloud.environment())
    assert {"ssl", "socket"} <= modules
    assert not modules & {"json", "re", "base64", "selectors"}, "12 M instructions"


def test_a_cold_get_on_the_direct_road_imports_no_sdk(cloud, imported):
    for identity in ("env-keys", "instance-profile", "web-identity", "pod-identity"):
        modules = {
            name.partition(".")[0] for name in imported(cloud.environment(identity))
        }
        assert not modules & {"boto3", "botocore", "urllib3", "http", "email"}


def test_list_and_erase_import_nothing_heavy(ecr, cloud, imported):
    environment = cloud.environment()
    ecr.get(environment)
    assert _heavy(imported(environment, "list")) == set()
    assert _heavy(imported(environment, "erase")) == set()


@pytest.mark.parametrize(
    "program", ["docker_credential_ecr_login", "docker_credential_auto"]
)
@pytest.mark.parametrize("file", FILES)
def test_list_reads_a_plain_config_json_without_json(
    program, file, ecr, cloud, imported
):
    """Importing json would make a `list` take four times as long."""
    environment = cloud.environment()
    ecr.get(environment)
    directory = Path(environment["HOME"], ".docker")
    directory.mkdir()
    (directory / "config.json").write_bytes(FILES[file])
    modules = imported(environment, "list", program)
    assert "dockcred.clients" in modules
    assert ("json" in modules) == (file == "unusual")
    if file == "plain":
        assert _heavy(modules) == set()
