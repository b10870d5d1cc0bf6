"""What happens if the SDK is not installed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.program import BUSY_S

import dockcred

WITHOUT = """
import sys
sys.path[:0] = {roots!r}
class Refuse:
    def find_spec(self, name, *_):
        if name.partition(".")[0] in ("boto3", "botocore"):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
sys.argv = ["docker-credential-ecr-login", "get"]
from dockcred.protocol import serve
from dockcred.wiring import identity_store
serve("docker-credential-ecr-login", lambda: identity_store("ecr"))
"""


def _get(environment, host: str):
    roots = [str(Path(dockcred.__file__).parent.parent)]
    return subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT.format(roots=roots)],
        input=host.encode(),
        env=environment,
        capture_output=True,
        timeout=BUSY_S,
        check=False,
    )


def test_without_the_sdk_the_direct_road_works(cloud):
    done = _get(cloud.environment(), "123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    assert done.returncode == 0, done.stdout


def test_without_the_sdk_a_profile_says_what_to_install(cloud):
    environment = cloud.environment("assume-role")
    done = _get(environment, "123456789012.dkr.ecr.eu-west-1.amazonaws.com")
    assert done.returncode == 1
    cause, _, remedy = done.stdout.partition(b"; run: ")
    assert cause == b"this AWS identity needs boto3, which is not installed"
    assert remedy.endswith(b"pip install 'dockcred[aws]'\n")
