"""A refused role: the error names the policy to change and what it must allow."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode

import pytest
from support.program import Program, with_system_path

from dockcred.providers.ecr import problems
from dockcred.testing.sandbox import Sandbox

SUBJECT = "system:serviceaccount:default:web-identity"
AUDIENCE = "sts.amazonaws.com"
ISSUER = "https://oidc.eks.eu-west-1.amazonaws.com/id/SANDBOX"
OTHER_ROLE = "arn:aws:iam::123456789012:role/another"
ROADS = {
    "direct": {"AWS_ROLE_ARN": OTHER_ROLE},
    "SDK": {"AWS_ROLE_ARN": OTHER_ROLE, "DOCKCRED_ROAD": "sdk"},
}


@pytest.fixture
def ecr_login(helper_bin) -> Program:
    return Program(str(helper_bin / "docker-credential-ecr-login"))


@pytest.mark.parametrize("road", ROADS)
def test_role_subject_audience_and_issuer_are_named(road, ecr_login) -> None:
    with Sandbox() as cloud:
        variables = with_system_path(cloud.environment("web-identity"))
        said = ecr_login.get(variables | ROADS[road]).said
    assert said == (
        "AWS denies sts:AssumeRoleWithWebIdentity; allow the issuer "
        f"{ISSUER}, the subject {SUBJECT}, the audience {AUDIENCE} "
        f"in the trust policy of {OTHER_ROLE}"
    )


def test_the_role_of_a_profile_and_who_asks_for_it_are_named(ecr_login) -> None:
    with Sandbox() as cloud:
        variables = with_system_path(cloud.environment("assume-role"))
        path = f"{variables['HOME']}/.aws/config"
        with open(path) as file:
            text = file.read()
        with open(path, "w") as file:
            file.write(text.replace("role/assume-role", "role/another"))
        said = ecr_login.get(variables).said
    assert "AWS denies sts:AssumeRole for arn:aws:iam::" in said
    assert ":user/assume-role-source; allow it in the identity's IAM policy" in said
    assert said.endswith(f"the identity in the trust policy of {OTHER_ROLE}")


def token(**claims: object) -> bytes:
    """A token with these claims, and a signature that is never verified."""
    parts = ({"alg": "RS256"}, claims, {})
    return b".".join(
        urlsafe_b64encode(json.dumps(each).encode()).rstrip(b"=") for each in parts
    )


BY_TOKEN = "sts:AssumeRoleWithWebIdentity"


def test_several_audiences_are_all_named() -> None:
    trust = problems.Trust("", token(sub="s", aud=["a", "b"]))
    error = problems.meaning("AccessDenied", "", BY_TOKEN, 403, trust)
    assert error.remedy == (
        "allow the subject s, the audience a and b in the role's trust policy"
    )


def test_a_claim_breaks_no_line_and_fills_no_screen() -> None:
    trust = problems.Trust("", token(sub="a\nb\x1b[2J" + "x" * 5000))
    error = problems.meaning("AccessDenied", "", BY_TOKEN, 403, trust)
    assert str(error).isprintable()
    assert str(error).isascii()
    assert len(str(error)) < 500


def test_a_token_that_is_none_is_not_shown() -> None:
    trust = problems.Trust("", "the-secret-token")
    error = problems.meaning("AccessDenied", "", BY_TOKEN, 403, trust)
    assert "secret" not in str(error)
    assert "its issuer, subject and audience" in error.remedy


def test_aws_s_own_word_for_the_role_comes_first() -> None:
    """AWS's message names the role; in a chain of roles nothing else tells which."""
    message = (
        "User: arn:aws:iam::111122223333:user/me is not authorized to perform:"
        " sts:AssumeRole on resource: arn:aws:iam::111122223333:role/theirs"
    )
    trust = problems.Trust("arn:aws:iam::111122223333:role/ours")
    error = problems.meaning("AccessDenied", message, "sts:AssumeRole", 403, trust)
    assert error.cause.endswith("for arn:aws:iam::111122223333:user/me")
    assert error.remedy.endswith("of arn:aws:iam::111122223333:role/theirs")


def test_a_token_that_aws_does_not_know_is_named_by_issuer_and_audience() -> None:
    trust = problems.Trust("", token(iss="https://i.example", aud="other"))
    error = problems.meaning("InvalidIdentityToken", "", BY_TOKEN, 400, trust)
    assert error.remedy.endswith(
        "the token has the issuer https://i.example, the audience other"
    )
