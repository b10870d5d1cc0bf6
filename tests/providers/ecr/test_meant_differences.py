"""Meant differences from botocore: what it does, and what we do instead."""

from __future__ import annotations

import pytest
from support.aws_files import Home
from support.aws_wire import wired
from support.beside_botocore import (
    ANSWERED,
    CONTAINER,
    FAILED,
    FIPS,
    KEYS,
    Theirs,
    ours,
)
from support.differential import meant
from support.program import HOST, PUBLIC

WEB = {
    "AWS_WEB_IDENTITY_TOKEN_FILE": "~home/token",
    "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/web",
    "AWS_DEFAULT_REGION": "eu-west-1",
}
TWO = "[profile one]\ncredential_process = /bin/one\n[profile two]\ncredential_process = /bin/two\n"
TOKENS = KEYS | {"AWS_SESSION_TOKEN": "session", "AWS_SECURITY_TOKEN": "security"}
# Name: config, variables, host, what botocore asks, what we ask; None: it fails.
ROWS = {
    meant("aws-profile-first"): (
        TWO,
        {"AWS_PROFILE": "one", "AWS_DEFAULT_PROFILE": "two"},
        HOST,
        "/bin/two",
        "/bin/one",
    ),
    meant("session-token-first"): ("", TOKENS, HOST, "'security'", "'session'"),
    meant("names-of-ecr-login"): (
        "",
        {"AWS_ACCESS_KEY": "AKIAOTHERNAME", "AWS_SECRET_KEY": "s"},
        HOST,
        "ASIAMACHINE",
        "AKIAOTHERNAME",
    ),
    meant("region-of-the-host"): (
        "",
        WEB | {"AWS_DEFAULT_REGION": "us-east-2"},
        HOST,
        "sts.us-east-2.",
        "sts.eu-west-1.",
    ),
    meant("sts-of-the-hosts-kind"): (
        "",
        WEB,
        FIPS,
        "https://sts.eu-west-1.",
        "https://sts-fips.eu-west-1.",
    ),
    meant("sts-is-regional"): (
        "",
        WEB | {"AWS_STS_REGIONAL_ENDPOINTS": "legacy"},
        HOST,
        "https://sts.amazonaws.com",
        "https://sts.eu-west-1.",
    ),
    meant("the-gallery-has-no-fips"): (
        "",
        KEYS | {"AWS_USE_FIPS_ENDPOINT": "true"},
        PUBLIC,
        "ecr-public-fips",
        "https://api.ecr-public.us-east-1.",
    ),
    meant("no-secret-in-clear"): (
        "",
        KEYS | {"AWS_ENDPOINT_URL_ECR": "http://one.example"},
        HOST,
        "http://one.example",
        None,
    ),
    meant("a-token-ends-at-its-line"): (
        "",
        CONTAINER | {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "~home/line"},
        HOST,
        None,
        "'with a line end'",
    ),
}

OF_THE_DIRECT_ROAD = {"a-token-ends-at-its-line"}


CASES = [
    *(("direct", name) for name in ROWS),
    # On the SDK's road botocore itself does the others, so they do not differ.
    *(("sdk", name) for name in ROWS if name not in OF_THE_DIRECT_ROAD),
]


@pytest.mark.parametrize(("road", "name"), CASES)
def test_it_differs_as_the_table_says(road, name, tmp_path) -> None:
    config, variables, host, theirs, here = ROWS[name]
    (tmp_path / "line").write_text("with a line end\n")
    variables = Home(config, None, variables).write(tmp_path)
    needs_sdk = "AWS_PROFILE" in variables
    for wanted, is_theirs in ((theirs, True), (here, False)):
        with wired() as wire:
            if is_theirs:
                ended = Theirs(variables, host).ask(wire, sts_of_the_hosts_kind=False)
            else:
                chosen = {} if needs_sdk else {"DOCKCRED_ROAD": road}
                ended = ours(wire, variables | chosen, host)
            assert ended == (ANSWERED if wanted else FAILED), (is_theirs, wire.asked)
            assert (wanted or "") in str(wire.asked), is_theirs


def test_what_is_set_to_nothing_is_not_set(tmp_path) -> None:
    """CI systems set empty variables; botocore looks for a profile named ""."""
    assert meant("empty-is-not-set")
    variables = Home("", None, KEYS | {"AWS_PROFILE": ""}).write(tmp_path)
    with wired() as wire:
        theirs = Theirs(variables, HOST)
        theirs.variables["AWS_PROFILE"] = ""
        assert theirs.ask(wire) == FAILED
        assert ours(wire, variables, HOST) == ANSWERED


@pytest.mark.parametrize(
    "config",
    [
        "[default]\nendpoint_url = https://one.example\n",
        "[default]\nservices = lab\n[services lab]\necr =\n  endpoint_url = https://one.example\n",
    ],
)
def test_a_named_endpoint_is_asked_whoever_names_it(config, tmp_path) -> None:
    """An endpoint that a file names is used, even for a host of another kind (FIPS)."""
    variables = Home(config, None, KEYS).write(tmp_path)
    with wired() as wire:
        assert Theirs(variables, FIPS).ask(wire) == ANSWERED
        theirs = list(wire.asked)
        assert ours(wire, variables, FIPS) == ANSWERED
        assert wire.asked == theirs
        assert "https://one.example" in str(wire.asked)


def test_the_profile_of_an_account_is_looked_for_where_there_is_an_account(
    tmp_path,
) -> None:
    """With `auto`, the public gallery, which has no account, gets botocore's order."""
    variables = Home("", None, KEYS | {"DOCKCRED_AWS_PROFILE": "auto"}).write(tmp_path)
    with wired() as wire:
        assert ours(wire, variables, PUBLIC) == ANSWERED
        assert ours(wire, variables, HOST) == FAILED
