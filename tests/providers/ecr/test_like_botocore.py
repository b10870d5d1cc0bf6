"""Files, variables and endpoints are read as botocore reads them.

Both sides run in this process on one fake transport (support.aws_wire). They must send
the same requests in the same order, and end alike: answered, an error, or no identity.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore import configloader
from botocore.exceptions import InvalidIMDSEndpointModeError
from hypothesis import strategies as st
from support.aws_files import Home, homes, texts
from support.aws_wire import Wire, wired
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

from dockcred.providers.ecr import endpoints

pytestmark = pytest.mark.slow  # as a whole too long for `make test`


def compare(wire: Wire, home: Home, place: Path, host: str = HOST) -> list[str]:
    """Fail if the two sides differ in requests or end; return a meant difference."""
    variables = home.write(place)
    theirs = Theirs(variables, host)
    theirs.leave_out_what_differs(variables)
    ended = theirs.ask(wire)
    asked = list(wire.asked)
    how = ours(wire, variables, host)
    if isinstance(theirs.error, InvalidIMDSEndpointModeError) and how != ended:
        return [*theirs.meant, meant("who-is-not-asked-is-not-judged")]
    if "ecr-public-fips" in str(asked):
        return [*theirs.meant, meant("the-gallery-has-no-fips")]
    assert (how, wire.asked) == (ended, asked), f"ours, theirs; {home}"
    return theirs.meant


@pytest.fixture
def wire():
    with wired() as wire:
        yield wire


def test_whom_files_and_variables_name(side_by_side, wire, tmp_path) -> None:
    side_by_side(
        lambda home, host: compare(wire, home, tmp_path, host),
        homes(),
        st.sampled_from([HOST, HOST, HOST, FIPS, PUBLIC]),
        share=0.4,
    )


def test_what_is_understood_of_a_file_is_what_botocore_reads(
    side_by_side, tmp_path
) -> None:
    """We read each profile's names and values alike, or leave the file to botocore."""
    path = tmp_path / "file"
    counts = {True: 0, False: 0}

    def check(text: str | None) -> None:
        path.write_bytes((text or "").encode())
        ours = endpoints.sections(str(path))
        counts[ours is not None] += 1
        if ours is None:
            return
        theirs = configloader.raw_config_parse(str(path))
        flat = {
            header: {n: "" if isinstance(v, dict) else v for n, v in section.items()}
            for header, section in theirs.items()
        }
        assert ours == flat
        profiles = configloader.build_profile_map(theirs)["profiles"]
        for name in profiles:
            assert f"profile {name}" in ours or name == "default"

    side_by_side(
        check, texts(is_config=True), shows=lambda _: min(counts.values()) > 10
    )


PROCESS = "credential_process = /bin/keys"
RO = "[profile ro]\nrole_arn = arn:aws:iam::111122223333:role/ro\n"
DEV = {"AWS_PROFILE": "dev"}
EXAMPLES = {
    # c1: however the profile is written, the requested profile is used
    "indented settings": (f"[profile dev]\n    {PROCESS}\n", DEV, "process"),
    "an indented header": (f"    [profile dev]\n    {PROCESS}\n", DEV, "process"),
    "a tab": (f"[profile dev]\n\t{PROCESS}\n", DEV, "process"),
    "a colon": (f"[profile dev]\n{PROCESS.replace(' =', ':')}\n", DEV, "process"),
    "words behind a header": (f"[profile dev] # x\n{PROCESS}\n", DEV, "process"),
    "a quoted name": (f'[profile "dev"]\n{PROCESS}\n', DEV, "process"),
    "a tab in a header": (f"[profile\tdev]\n{PROCESS}\n", DEV, "process"),
    "another word for profile": (f"[profiles default]\n{PROCESS}\n", {}, "process"),
    "a word alone": ("[default]\nregion\n", {}, ""),
    "for every section": (f"[DEFAULT]\n{PROCESS}\n[profile dev]\n", DEV, "process"),
    "ends of Windows": (f"[profile dev]\r\n{PROCESS}\r\n", DEV, "process"),
    "ends of old Macs": (f"[profile dev]\r{PROCESS}\r", DEV, "process"),
    "a value below": (
        f"[profile dev]\n{PROCESS.replace(' /', chr(10) + '  /')}\n",
        DEV,
        "",
    ),
    "a byte order mark": (f"\ufeff[profile dev]\n{PROCESS}\n", DEV, ""),
    "twice": (f"[default]\n{PROCESS}\n[default]\nregion = x\n", {}, ""),
    "twice, spelt otherwise": (
        f"[default]\nregion = x\n[profile default]\n{PROCESS}\n",
        {},
        "process",
    ),
    "a profile without the word": (f"[dev]\n{PROCESS}\n", DEV, ""),
    "a file in a variable": (
        f"[default]\n{PROCESS}\n",
        {"AWS_CONFIG_FILE": "$HOME/.aws/config"},
        "process",
    ),
    "an SSO session that is nowhere": (
        "[profile dev]\nsso_session = corp\n",
        DEV | {"AWS_EC2_METADATA_DISABLED": "true"},
        "",
    ),
    "an SSO session that is nowhere, and keys": (
        "[profile dev]\nsso_session = corp\n",
        DEV | KEYS,
        "",
    ),
    "half an SSO session, and keys": (
        "[profile dev]\nsso_session = corp\n[sso-session corp]\nsso_region = x\n",
        DEV | KEYS,
        "",
    ),
    "an SSO session, and keys": (
        (
            "[default]\nsso_session = corp\n[sso-session corp]\nsso_region = x\n"
            "sso_start_url = https://example.awsapps.com/start\n"
        ),
        KEYS,
        "api.ecr.",
    ),
    "half the keys": ("", {"AWS_ACCESS_KEY_ID": "AKIA"}, ""),
    "a token file without a role": (
        "",
        {"AWS_WEB_IDENTITY_TOKEN_FILE": "~home/token"},
        "",
    ),
    "a token file, the role in the profile": (
        (
            "[default]\nrole_arn = arn:aws:iam::111122223333:role/r\n"
            "web_identity_token_file = ~home/token\n"
        ),
        {},
        "sts",
    ),
    # c2: settings of files work like those of variables
    "FIPS in the file": ("[default]\nuse_fips_endpoint = true\n", KEYS, "ecr-fips."),
    "dual-stack in the file": (
        "[default]\nuse_dualstack_endpoint = true\n",
        KEYS,
        ".api.aws",
    ),
    "the variable before the file": (
        "[default]\nuse_fips_endpoint = true\n",
        KEYS | {"AWS_USE_FIPS_ENDPOINT": "false"},
        "api.ecr.",
    ),
    "FIPS for the role too": (
        (
            f"[default]\nuse_fips_endpoint = true\n{RO}credential_source = Environment\n"
            "use_fips_endpoint = true\n"
        ),
        KEYS | {"DOCKCRED_AWS_PROFILE": "ro"},
        "sts-fips.",
    ),
    "an endpoint in the file": (
        "[default]\nendpoint_url = https://every.example\n",
        KEYS,
        "every.example",
    ),
    "a service's endpoint in the file": (
        (
            "[default]\nservices = lab\n[services lab]\n"
            "ecr =\n  endpoint_url = https://one.example\n"
        ),
        KEYS,
        "one.example",
    ),
    "endpoints in the file ignored": (
        (
            "[default]\nendpoint_url = https://every.example\n"
            "ignore_configured_endpoint_urls = true\n"
        ),
        KEYS,
        "api.ecr.",
    ),
    "metadata's place in the file": (
        "[default]\nec2_metadata_service_endpoint = http://127.0.0.1:9\n",
        {},
        "127.0.0.1:9",
    ),
    "metadata by IPv6 in the file": (
        "[default]\nec2_metadata_service_endpoint_mode = ipv6\n",
        {},
        "fd00:ec2::254",
    ),
    "metadata by IPv4 whatever the other switch says": (
        "",
        {
            "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "IPv4",
            "AWS_IMDS_USE_IPV6": "true",
        },
        "169.254.169.254",
    ),
    "metadata by nothing known": (
        "",
        {"AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE": "ipv5"},
        "",
    ),
    "a retry mode that is none": ("[default]\nretry_mode = Standard\n", {}, "machine"),
    "a retry mode that is empty": ("[default]\nretry_mode =\n", KEYS, ""),
    "a retry mode of a variable": ("", KEYS | {"AWS_RETRY_MODE": "on"}, ""),
    "a retry mode of a variable, and nobody to be": (
        "",
        {"AWS_RETRY_MODE": "STANDARD", "AWS_EC2_METADATA_DISABLED": "true"},
        "",
    ),
    "attempts that are none": ("[default]\nmax_attempts = 0\n", {}, "machine"),
    "attempts that are no number": ("", KEYS | {"AWS_MAX_ATTEMPTS": "one"}, ""),
    "retries as AWS has them": (
        "[default]\nretry_mode = adaptive\nmax_attempts = 1\n",
        KEYS | {"AWS_RETRY_MODE": "legacy", "AWS_MAX_ATTEMPTS": "1"},
        "api.ecr.",
    ),
    # c12: a profile whose source is the variables gets their keys
    "keys of the variables": (
        f"{RO}credential_source = Environment\n",
        KEYS | {"DOCKCRED_AWS_PROFILE": "ro"},
        "AKIAVARIABLE",
    ),
    "keys of the container": (
        f"{RO}credential_source = EcsContainer\n",
        CONTAINER | {"DOCKCRED_AWS_PROFILE": "ro"},
        "container",
    ),
    "keys of the container under a profile without any": (
        "[profile dev]\nregion = eu-west-1\n",
        CONTAINER | {"DOCKCRED_AWS_PROFILE": "dev"},
        "container",
    ),
    "a named profile stands before keys": (
        f"[profile dev]\n{PROCESS}\n",
        KEYS | {"DOCKCRED_AWS_PROFILE": "dev"},
        "process",
    ),
    "a named profile stands before a web identity": (
        f"[profile dev]\n{PROCESS}\n",
        {
            "AWS_WEB_IDENTITY_TOKEN_FILE": "~home/token",
            "AWS_ROLE_ARN": "arn:aws:iam::111122223333:role/web",
            "DOCKCRED_AWS_PROFILE": "dev",
        },
        "process",
    ),
    # c13
    "a named profile that is not there": ("", {"DOCKCRED_AWS_PROFILE": "no"}, ""),
    "a named profile that is not there, beside keys": (
        "[default]\nregion = x\n",
        KEYS | {"DOCKCRED_AWS_PROFILE": "no"},
        "",
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_input_that_once_was_read_otherwise(name, wire, tmp_path) -> None:
    """Both sides ask what the row says; if it says nothing, both refuse."""
    config, variables, told = EXAMPLES[name]
    compare(wire, Home(config, None, variables), tmp_path)
    assert bool(wire.asked) == bool(told)
    assert told in str(wire.asked)


@pytest.mark.parametrize("lacking", ["Token", "Expiration", "AccessKeyId", "all"])
@pytest.mark.parametrize("machine", [CONTAINER, {}])
@pytest.mark.parametrize("road", ["direct", "sdk"])
def test_keys_that_lack_something_are_a_clear_error(
    lacking, machine, road, wire, tmp_path
) -> None:
    keys = {
        "Code": "Success",
        "AccessKeyId": "ASIA",
        "SecretAccessKey": "s",
        "Token": "t",
        "Expiration": "2099-01-01T00:00:00Z",
    }
    keys.pop(lacking, None)
    body = b"[]" if lacking == "all" else json.dumps(keys).encode()
    for source in ("container", "metadata"):
        wire.overrides[source] = (200, body)
    variables = Home("", None, machine | {"DOCKCRED_ROAD": road}).write(tmp_path)
    assert ours(wire, variables, HOST) != ANSWERED
    theirs = Theirs(variables, HOST)
    theirs.leave_out_what_differs(variables)
    assert theirs.ask(wire) != ANSWERED
    # An Expiration that is not a time is an error, too.
    keys |= {"Token": "t", "AccessKeyId": "ASIA", "Expiration": "tomorrow"}
    for source in ("container", "metadata"):
        wire.overrides[source] = (200, json.dumps(keys).encode())
    assert ours(wire, variables, HOST) == FAILED


def test_keys_whose_end_a_variable_says_are_over(wire, tmp_path) -> None:
    """botocore raises RuntimeError; on the direct road AWS would refuse the keys."""
    over = KEYS | {"AWS_CREDENTIAL_EXPIRATION": "2001-01-01T00:00:00Z"}
    variables = Home("", None, over | {"DOCKCRED_ROAD": "sdk"}).write(tmp_path)
    assert ours(wire, variables, HOST) == FAILED
    assert Theirs(variables, HOST).ask(wire) == FAILED
