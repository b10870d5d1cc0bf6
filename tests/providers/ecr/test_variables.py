"""Each variable of the installed SDK is in the cache key, or ignored for a reason."""

from __future__ import annotations

import re
from pathlib import Path

import boto3
import botocore
import pytest
from botocore.configprovider import BOTOCORE_DEFAUT_SESSION_VARIABLES
from support import ignored_variables as ignored

from dockcred.credential import ServerURL
from dockcred.identity.provider import cache_key
from dockcred.providers.ecr import ECR
from dockcred.system.environment import COMMON, Environment, aws

HOST = ServerURL.parse("123456789012.dkr.ecr.eu-west-1.amazonaws.com")
LITERAL = re.compile(r"['\"]((?:AWS|BOTO|BOTOCORE)_[A-Z0-9_]*[A-Z0-9])['\"]")
# Names in botocore's code that are not variables.
NOT_VARIABLES = {
    "AWS_LOGIN_CACHE_DIRECTORY_",
    "AWS_QUERY_COMPATIBLE",
    "AWS_CHUNKED",
}


def _of_the_sdk() -> set[str]:
    """Return each literal of botocore that looks like a variable, and its settings."""
    found = set()
    for package in (botocore, boto3):
        for path in Path(package.__file__).parent.rglob("*.py"):
            found |= set(LITERAL.findall(path.read_text(encoding="utf-8")))
    for _, variable, *_ in BOTOCORE_DEFAUT_SESSION_VARIABLES.values():
        found |= {variable} if isinstance(variable, str) else set(variable or ())
    return found - NOT_VARIABLES


def test_each_variable_of_the_sdk_is_in_the_key_or_ignored_with_a_reason():
    known = {*COMMON, *aws.VARIABLES, *aws.SECRETS, *ignored.AWS}
    found = _of_the_sdk()
    assert {
        "AWS_PROFILE",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN",
        "AWS_CA_BUNDLE",
    } <= found
    assert found - known == set()


def test_no_variable_is_in_two_lists():
    lists = (COMMON, aws.VARIABLES, aws.SECRETS, ignored.AWS)
    everything = [name for part in lists for name in part]
    assert sorted(everything) == sorted(set(everything))
    assert all(len(reason) > 5 for reason in ignored.AWS.values())


def _key(**variables: str) -> str:
    return cache_key(ECR(), HOST, Environment({"HOME": "/home/a"} | variables))


@pytest.mark.parametrize("name", [*COMMON, *aws.VARIABLES])
def test_a_selecting_variable_changes_the_key(name):
    assert len({_key(), _key(**{name: "one"}), _key(**{name: "two"})}) == 3


# They change where requests go or whom we trust; none is read by the SDK alone.
WAYS = (
    "HOME",
    "HTTPS_PROXY",
    "https_proxy",
    "ALL_PROXY",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "AWS_CA_BUNDLE",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_ECR_PUBLIC",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "DOCKCRED_ROAD",
)


@pytest.mark.parametrize("name", WAYS)
def test_a_way_to_another_place_is_in_the_key(name):
    assert _key() != _key(**{name: "elsewhere"})


@pytest.mark.parametrize("name", aws.SECRETS)
def test_a_secret_variable_is_in_the_key_only_by_being_set(name):
    assert _key() != _key(**{name: "hunter2"})
    assert _key(**{name: "hunter2"}) == _key(**{name: "other"})
    assert "hunter2" not in _key(**{name: "hunter2"})


@pytest.mark.parametrize("name", ignored.AWS)
def test_an_ignored_variable_does_not_change_the_key(name):
    assert _key() == _key(**{name: "anything"})


def test_neither_user_info_of_a_url_nor_a_line_end_gets_into_the_key():
    key = _key(HTTPS_PROXY="http://user:hunter2@proxy:3128", AWS_PROFILE="a\nb")
    assert "hunter2" not in key
    assert "proxy:3128" in key
    assert "\n" not in key


def test_the_host_and_the_boot_are_in_the_key():
    other = ServerURL.parse("123456789012.dkr.ecr.eu-west-2.amazonaws.com")
    assert cache_key(ECR(), other, Environment({})) != _key()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    assert boot in _key()
