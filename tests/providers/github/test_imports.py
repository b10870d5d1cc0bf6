"""What a get imports: nothing heavy where it is answered from the cache."""

from __future__ import annotations

import subprocess
import sys

import pytest

import dockcred
import docker_credential_ghcr_login

HEAVY = {
    "argparse",
    "dataclasses",
    "datetime",
    "enum",
    "google",
    "hashlib",
    "http",
    "json",
    "jwt",
    "logging",
    "pathlib",
    "re",
    "requests",
    "selectors",
    "socket",
    "ssl",
    "subprocess",
    "typing",
    "urllib",
}
# Without site, which imports what other packages hook into the start.
CODE = "import sys; sys.path[:0] = {}; sys.argv[1:] = ['get']; from docker_credential_ghcr_login import main; main()"


@pytest.fixture
def imported():
    """Run a get and answer the modules that it imported, by their first names."""

    roots = [docker_credential_ghcr_login.__file__, dockcred.__path__[0]]
    roots = [path.rpartition("/")[0] for path in roots]

    def call(environment):
        done = subprocess.run(
            [sys.executable, "-I", "-S", "-X", "importtime", "-c", CODE.format(roots)],
            env=environment,
            input="ghcr.io",
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        lines = [line.rpartition("|")[2].strip() for line in done.stderr.splitlines()]
        return {name.partition(".")[0] for name in lines}

    return call


@pytest.mark.parametrize(
    "name",
    ["github-app"],
)
def test_a_cached_get_imports_nothing_heavy(name, cloud, run, imported):
    environment = cloud.environment(name)
    assert run(environment).status == 0
    modules = imported(environment)
    assert "dockcred" in modules
    assert modules & HEAVY == set()


def test_a_token_in_a_variable_costs_no_more_than_its_digest(cloud, run, imported):
    environment = cloud.environment("github-gh-token")
    assert run(environment).status == 0
    assert imported(environment) & HEAVY <= {"hashlib"}


def test_the_guard_sees_what_a_cold_get_imports(cloud, imported):
    """Else it could not fail."""
    assert {"json", "socket"} <= imported(cloud.environment("github-gh-token"))
