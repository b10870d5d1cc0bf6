"""Helpers for the tests of the verb `list`."""

from __future__ import annotations

import json
from pathlib import Path

from support.program import HOST, PUBLIC, Answer

ECR_CALL = "ecr:GetAuthorizationToken"
OTHER = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
AWS = {HOST: "AWS", PUBLIC: "AWS"}


def listed(answer: Answer) -> dict[str, str]:
    """Return the user names by host from a program's answer to `list`."""
    assert answer.status == 0, answer
    return json.loads(answer.stdout)


def configured(environment, text: str) -> dict[str, str]:
    """Write a config.toml with this text; return variables that make it be read."""
    file = Path(environment["HOME"], "dockcred.toml")
    file.write_text(text)
    file.chmod(0o600)
    return {**environment, "DOCKCRED_CONFIG": str(file)}
