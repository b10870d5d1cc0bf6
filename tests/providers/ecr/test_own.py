"""Which registry is one's own: told from files and variables, else not at all."""

from __future__ import annotations

import pytest
from support.aws_files import Home

from dockcred.providers.ecr import ECR
from dockcred.providers.ecr.hosts import PUBLIC
from dockcred.system.environment import Environment

EU = {"AWS_DEFAULT_REGION": "eu-west-1"}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIA", "AWS_SECRET_ACCESS_KEY": "s"}
ROLE = "role_arn = arn:aws:iam::111122223333:role/r\nsource_profile = base\n"
LOGIN = "sso_session = corp\nsso_account_id = 444455556666\nsso_role_name = r\n"
OWN = "111122223333.dkr.ecr.eu-west-1.amazonaws.com"
CASES = {
    "a role": (f"[default]\n{ROLE}", EU, OWN),
    "a login": (
        f"[profile dev]\n{LOGIN}region = us-east-1\n",
        {"AWS_PROFILE": "dev"},
        "444455556666.dkr.ecr.us-east-1.amazonaws.com",
    ),
    "a profile that is named": (
        f"[profile dev]\n{ROLE}region = eu-west-1\n",
        KEYS | {"DOCKCRED_AWS_PROFILE": "dev"},
        OWN,
    ),
    "keys that say whose they are": (
        f"[default]\n{LOGIN}",
        KEYS | EU | {"AWS_ACCOUNT_ID": "111122223333"},
        OWN,
    ),
    "keys that do not": (f"[default]\n{ROLE}", KEYS | EU, ""),
    "keys in a file that says whose they are": (
        (
            "[default]\naws_access_key_id = A\naws_secret_access_key = s\n"
            "aws_account_id = 111122223333\nregion = eu-west-1\n"
        ),
        {},
        OWN,
    ),
    "a pod": (
        "",
        EU
        | {
            "AWS_WEB_IDENTITY_TOKEN_FILE": "/token",
            "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/pod",
        },
        OWN,
    ),
    "a role to assume": (
        "",
        KEYS | EU | {"DOCKCRED_AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/r"},
        OWN,
    ),
    "China": (
        (
            "[default]\nrole_arn = arn:aws-cn:iam::111122223333:role/r\n"
            "source_profile = base\nregion = cn-north-1\n"
        ),
        {},
        "111122223333.dkr.ecr.cn-north-1.amazonaws.com.cn",
    ),
    "no region": (f"[default]\n{ROLE}", {}, ""),
    "a region that is none": (f"[default]\n{ROLE}region = x/y\n", {}, ""),
    "a machine": ("", EU, ""),
    "a profile spelt twice": (
        f"[default]\n{ROLE}[profile default]\noutput = x\n",
        EU,
        "",
    ),
    "whichever fits": (f"[default]\n{ROLE}", EU | {"DOCKCRED_AWS_PROFILE": "auto"}, ""),
    "a file that is botocore's to read": (f"[default]\n  {ROLE}", EU, ""),
}


@pytest.mark.parametrize("name", CASES)
def test_the_registry_of_account_and_region(name, tmp_path) -> None:
    config, variables, own = CASES[name]
    variables = Home(config, None, variables).write(tmp_path)
    found = ECR().own_servers(Environment(variables))
    assert tuple(host for host in found if host != PUBLIC) == ((own,) if own else ())


GALLERY = {
    "a role": True,
    "keys that do not": True,
    "no region": True,
    "China": False,
    "a machine": False,
    "whichever fits": False,
}


@pytest.mark.parametrize("name", GALLERY)
def test_the_gallery_is_anybody_s_outside_of_other_partitions(name, tmp_path) -> None:
    config, variables, _ = CASES[name]
    variables = Home(config, None, variables).write(tmp_path)
    assert (PUBLIC in ECR().own_servers(Environment(variables))) == GALLERY[name]


ASKED = {
    "keys that do not": True,
    "a role": False,
    "no region": False,
    "a machine": False,
    "keys that say whose they are": False,
}


@pytest.mark.parametrize("name", ASKED)
def test_aws_is_asked_whose_keys_these_are_where_nothing_tells(name, tmp_path) -> None:
    config, variables, _ = CASES[name]
    variables = Home(config, None, variables).write(tmp_path)
    assert ECR().can_ask_for_own(Environment(variables)) == ASKED[name]
