"""What `list` is asked and answers, for its tests."""

from __future__ import annotations

import json
from pathlib import Path

from support.program import HOST, PUBLIC, Answer

ECR_CALL = "ecr:GetAuthorizationToken"
OTHER = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
AWS = {HOST: "AWS", PUBLIC: "AWS"}


def listed(answer: Answer) -> dict[str, str]:
    """Return the users by host that a program has answered."""
    assert answer.status == 0, answer
    return json.loads(answer.stdout)


def configured(environment, text: str) -> dict[str, str]:
    """Return variables by which a config.toml of this text is read."""
    file = Path(environment["HOME"], "dockcred.toml")
    file.write_text(text)
    file.chmod(0o600)
    return {**environment, "DOCKCRED_CONFIG": str(file)}
