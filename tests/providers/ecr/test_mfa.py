"""A role that needs an MFA code uses the session that the AWS CLI has cached."""

from __future__ import annotations

import shutil
import subprocess
import sys

from support.program import BUSY_S

LOG_IN = """
import sys, botocore.session
from botocore.utils import JSONFileCache
session = botocore.session.Session()
roles = session.get_component("credential_provider").get_provider("assume-role")
roles.cache = JSONFileCache(sys.argv[1])
roles._prompter = lambda _: "123456"
session.get_credentials().get_frozen_credentials()
"""


def test_without_a_session_the_command_to_run_is_told(ecr, cloud):
    answer = ecr.get(cloud.environment("assume-role-mfa"))
    assert "aws sts get-caller-identity --profile assume-role-mfa" in answer.said
    assert cloud.calls["sts:AssumeRole"] == 0


def test_the_aws_cli_s_session_is_used_and_its_end_noticed(ecr, cloud):
    environment = cloud.environment("assume-role-mfa")
    kept = cloud.home / "assume-role-mfa/.aws/cli/cache"
    subprocess.run(
        [sys.executable, "-B", "-c", LOG_IN, str(kept)],
        env=environment,
        check=True,
        timeout=BUSY_S,
    )
    before = sorted(path.read_bytes() for path in kept.iterdir())
    first = ecr.get(environment).password
    assert "assume-role-mfa/" in cloud.minted(first).principal
    assert ecr.get(environment).password == first
    assert cloud.calls["sts:AssumeRole"] == 1
    assert sorted(path.read_bytes() for path in kept.iterdir()) == before
    shutil.rmtree(kept)
    assert "MFA" in ecr.get(environment).said
