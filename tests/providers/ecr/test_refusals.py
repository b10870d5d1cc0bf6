"""AWS's error answers: retried when botocore retries, with the right cause."""

from __future__ import annotations

import json

import botocore.parsers
import botocore.session
import pytest
from botocore.awsrequest import AWSResponse
from botocore.retries import special, standard
from hypothesis import strategies as st
from support.differential import meant
from support.program import NOT_FOUND, PUBLIC

from dockcred.errors import IssueError, RefusedError
from dockcred.providers.ecr import api, problems
from dockcred.transport.response import Response

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

OPERATIONS = (
    ("ecr", "GetAuthorizationToken"),
    ("ecr-public", "GetAuthorizationToken"),
    ("sts", "AssumeRoleWithWebIdentity"),
)
CODES = (
    *standard.ThrottledRetryableChecker._THROTTLED_ERROR_CODES,
    *standard.TransientRetryableChecker._TRANSIENT_ERROR_CODES,
    "InvalidParameterException",
    "ServerException",
    "AccessDenied",
    "AccessDeniedException",
    "ExpiredToken",
    "ExpiredTokenException",
    "IDPRejectedClaim",
    "InvalidIdentityToken",
    "RegionDisabledException",
    "UnrecognizedClientException",
    "InternalFailure",
    "Nonsense",
    "",
)
STATUSES = (400, 401, 403, 404, 408, 410, 413, 429, 500, 501, 502, 503, 504, 505, 520)
_SESSION = botocore.session.Session()
_MODELS = {
    (service, name): _SESSION.get_service_model(service).operation_model(name)
    for service, name in OPERATIONS
}


def _xml(code: str) -> bytes:
    return (
        '<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>'
        f"<Type>Sender</Type><Code>{code}</Code><Message>words</Message></Error>"
        "<RequestId>r</RequestId></ErrorResponse>"
    ).encode()


def _json(code: str) -> bytes:
    return json.dumps({"__type": code, "message": "words"}).encode()


@st.composite
def answers(draw) -> tuple[tuple[str, str], int, bytes]:
    """An operation, and a status and body that its service or a proxy sends."""
    operation = draw(st.sampled_from(OPERATIONS))
    codes = [*CODES, *(["IDPCommunicationError"] if operation[0] == "sts" else [])]
    code = draw(st.sampled_from(codes))
    if operation[0] == "sts":
        bodies = [_xml(code)] * 3
    else:
        spelt = (code, f"com.amazonaws.ecr#{code}", f"{code}:http://x/y", f"a#{code}:b")
        bodies = [_json(one) for one in spelt]
        bodies.append(json.dumps({"code": code}).encode())
        bodies.append(json.dumps({"Message": "words"}).encode())
    bodies += [b"", b"<html>Bad gateway</html>", b"not found", b"{", b"\xff\xfe"]
    return operation, draw(st.sampled_from(STATUSES)), draw(st.sampled_from(bodies))


def _theirs(operation: tuple[str, str], status: int, body: bytes) -> bool | None:
    """Return whether botocore's standard mode retries; None: it cannot parse this."""
    model = _MODELS[operation]
    parser = botocore.parsers.create_parser(model.service_model.protocol)
    answer = {"status_code": status, "headers": {}, "body": body}
    try:
        parsed = parser.parse(answer, model.output_shape)
    except (botocore.parsers.ResponseParserError, UnicodeDecodeError):
        return None
    context = standard.RetryContext(
        attempt_number=1,
        operation_model=model,
        parsed_response=parsed,
        http_response=AWSResponse("https://x", status, {}, None),
    )
    return standard.StandardRetryConditions(3).is_retryable(context)


def test_what_is_asked_again_is_what_botocore_asks_again(side_by_side) -> None:
    def check(answer: tuple[tuple[str, str], int, bytes]) -> str | None:
        operation, status, body = answer
        ours = api._is_temporary(Response(status, {}, body))
        theirs = _theirs(operation, status, body)
        if status == 429 and ours and not theirs:
            return meant("a-429-is-throttling")
        if theirs is None and ours and status in problems._PASSING_STATUSES:
            return meant("an-outage-needs-no-words")
        assert ours == bool(theirs), (operation, status, body)
        return None

    side_by_side(check, answers())


def test_idp_communication_error_is_asked_again_as_botocores_special_case() -> None:
    assert special.RetryIDPCommunicationError
    answer = Response(400, {}, _xml("IDPCommunicationError"))
    assert api._is_temporary(answer)
    assert _theirs(OPERATIONS[2], 400, answer.body)


@pytest.mark.parametrize(
    "code, operation, words",
    [
        ("AccessDenied", "sts:AssumeRoleWithWebIdentity", "subject and audience"),
        ("AccessDenied", "sts:AssumeRole", "role's trust policy"),
        ("AccessDeniedException", "ecr:GetAuthorizationToken", "identity's IAM policy"),
        ("ForbiddenException", "sso:GetRoleCredentials", "assigned"),
        ("ResourceNotFoundException", "sso:GetRoleCredentials", "sso_account_id"),
        ("ExpiredTokenException", "sts:AssumeRoleWithWebIdentity", "renews the file"),
        ("ExpiredTokenException", "ecr:GetAuthorizationToken", "log in anew"),
        ("ValidationError", "sts:AssumeRole", "duration_seconds"),
        ("RegionDisabledException", "sts:AssumeRole", "enable the region"),
        ("SomethingNewException", "ecr:GetAuthorizationToken", "documentation"),
    ],
)
def test_a_refusal_has_the_remedy_of_its_own_operation(code, operation, words) -> None:
    error = problems.meaning(code, "", operation, 403)
    assert words in error.remedy
    assert "AWS Health" not in str(error)
    assert isinstance(error, RefusedError)


@pytest.mark.parametrize(
    "code, status",
    [("ServerException", 500), ("HTTP 503", 503), ("", 502), ("InternalFailure", 500)],
)
def test_an_outage_is_told_as_one_and_is_no_refusal(code, status) -> None:
    error = problems.meaning(code, "", "ecr:GetAuthorizationToken", status)
    assert "AWS Health" in error.remedy
    assert type(error) is IssueError


@pytest.mark.parametrize("code", ["HTTP 403", "", "403"])
def test_an_answer_without_a_code_of_awss_is_no_refusal(code) -> None:
    error = problems.meaning(code, "", "ecr:GetAuthorizationToken", 403)
    assert "proxy" in error.remedy
    assert type(error) is IssueError


UNKNOWN = {"AWS_ACCESS_KEY_ID": "AKIAUNKNOWNUNKNOWN"}


@pytest.mark.parametrize(
    "identity, spoil, failure",
    [
        ("env-keys", UNKNOWN, ""),
        ("env-keys", {}, "ecr-public:expired-token"),
        ("env-keys", {}, "ecr-public:access-denied"),
        ("assume-role", {}, "sts:access-denied"),
        ("web-identity", {}, "sts:access-denied"),
        ("sso-expired", {}, ""),
        ("login-expired", {}, ""),
        ("assume-role-mfa", {}, ""),
    ],
)
def test_the_public_image_is_public_whatever_refuses_the_identity(
    identity, spoil, failure, ecr, cloud
) -> None:
    """As in AWS's helper it is "not found", unless DOCKCRED_ANONYMOUS is false."""
    environment = cloud.environment(identity) | spoil
    for road in ("direct", "sdk") if identity == "env-keys" else ("",):
        if failure:
            cloud.fail(failure)
        variables = environment | {"DOCKCRED_ROAD": road, "DOCKCRED_CACHE": "off"}
        answer = ecr.get(variables, PUBLIC)
        assert (answer.status, answer.stdout, answer.stderr) == (1, NOT_FOUND, b"")
        private = failure.replace("-public", "")
        if private != failure:
            cloud.fail(private)
        assert ecr.get(variables).said
        assert ecr.get(variables | {"DOCKCRED_ANONYMOUS": "true"}).stdout == NOT_FOUND
        loud = ecr.get(variables | {"DOCKCRED_ANONYMOUS": "false"}, PUBLIC)
        assert loud.said


def test_a_role_that_is_not_assigned_to_a_login_is_no_outage(ecr, cloud) -> None:
    environment = cloud.environment("sso")
    config = cloud.home / "sso/.aws/config"
    text = config.read_text()
    config.write_text(
        text.replace("AWSReservedSSO_sso_0123456789abcdef", "Administrator")
    )
    assert config.read_text() != text
    said = ecr.get(environment).said
    assert "does not give this login the role" in said
    assert "AWS Health" not in said


def test_a_denied_web_identity_is_the_trust_policys(ecr, cloud) -> None:
    cloud.fail("sts:access-denied")
    for road in ("direct", "sdk"):
        said = ecr.get(cloud.environment("web-identity") | {"DOCKCRED_ROAD": road}).said
        assert "the trust policy of arn:aws:iam::123456789012:role/web-id" in said, road


@pytest.mark.parametrize("kind", ["half", "garbage", "garbage-body", "wrong-shape"])
@pytest.mark.parametrize("service", ["ecr", "sts", "sso", "container"])
def test_whatever_an_answer_is_it_is_foreseen(kind, service, ecr, cloud) -> None:
    identity = {"ecr": "env-keys", "sts": "assume-role", "sso": "sso"}.get(
        service, "container-relative"
    )
    cloud.fail(f"{service}:{kind}")
    environment = cloud.environment(identity) | {"DOCKCRED_ROAD": "sdk"}
    said = ecr.get(environment | {"DOCKCRED_TIMEOUT": "6"}).said
    assert "unforeseen" not in said


@pytest.mark.parametrize("road", ["direct", "sdk"])
@pytest.mark.parametrize(
    "identity, service",
    [("instance-profile", "imds"), ("container-relative", "container")],
)
@pytest.mark.parametrize("kind", ["server-error", "throttle"])
def test_metadata_that_fails_once_is_asked_again(
    kind, identity, service, road, ecr, cloud
) -> None:
    cloud.fail(f"{service}:{kind}:1")
    environment = cloud.environment(identity) | {"DOCKCRED_ROAD": road}
    assert cloud.minted(ecr.get(environment).password)


def test_metadata_that_is_broken_is_no_lack_of_an_identity(ecr, cloud) -> None:
    """If it were "not found", clients would pull anonymously during the outage."""
    cloud.fail("imds:server-error")
    environment = cloud.environment("instance-profile") | {"DOCKCRED_TIMEOUT": "5"}
    assert "status 500" in ecr.get(environment, PUBLIC).said


def test_the_patience_with_metadata_can_be_set(ecr, cloud) -> None:
    environment = cloud.environment("instance-profile")
    words = environment | {"AWS_METADATA_SERVICE_TIMEOUT": "long"}
    assert "AWS_METADATA_SERVICE_TIMEOUT" in ecr.get(words).said
    assert ecr.get(environment | {"AWS_METADATA_SERVICE_TIMEOUT": "2"}).password


@pytest.mark.parametrize("road", ["direct", "sdk"])
@pytest.mark.parametrize(
    "identity, failure",
    [
        ("web-identity", "sts:IDPCommunicationError:1"),
        ("web-identity", "sts:RequestTimeout:1"),
        ("env-keys", "ecr:503:1"),
    ],
)
def test_what_passes_is_asked_again(identity, failure, road, ecr, cloud) -> None:
    """Failures that pass are retried as in botocore's standard mode, see above."""
    cloud.fail(failure)
    environment = cloud.environment(identity) | {"DOCKCRED_ROAD": road}
    assert cloud.minted(ecr.get(environment).password)
