"""For any request and variables, the front answers as Python does, or starts Python."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.program import HOST

from dockcred.providers.ecr import ECR

from .conftest import Primed

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

KEY = HOST.encode()
PIECES = [
    HOST,
    "https://",
    "/",
    ".",
    ":",
    "a",
    "A",
    "\n",
    "\r",
    " ",
    "-",
    "@",
    "é",
    "\0",
]
keys = st.one_of(
    st.lists(st.sampled_from(PIECES), max_size=5).map("".join),
    st.text(max_size=20).map(lambda text: HOST + text),
    st.just(HOST),
)
variables = st.dictionaries(
    st.sampled_from([*ECR().variables, *ECR().secrets, "DOCKCRED_TIMEOUT", "CI"]),
    st.sampled_from(["", "1", "a|b", "x y", "é"]),
    max_size=2,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(key=keys, more=variables)
@example(key=HOST, more={"DOCKCRED_TIMEOUT": "a|b"})
@example(key=HOST, more={"DOCKCRED_TIMEOUT": "0"})
@example(key=HOST, more={"DOCKCRED_TIMEOUT": "9999"})
@example(key=HOST, more={"DOCKCRED_TIMEOUT": "30"})
def test_the_front_agrees_with_python_or_hands_over(
    launched, primed, shell, key, more
) -> None:
    environment = primed.environment | more
    key = key.encode("utf-8", "surrogatepass")
    answer = launched(key, environment, shell=shell)
    if answer.by_python:
        return
    twin = launched.plain_twin(key.replace(b"\0", b""), environment)
    assert (answer.status, answer.stdout) == (twin.status, twin.stdout)


SUBJECTS = ("web-identity", "web-identitz", "stranger")
changes = st.sampled_from(
    [
        lambda token: token,
        lambda token: token + "\n",
        lambda token: "\n" + token,
        lambda token: f" {token} ",
        lambda token: token + "\nx",
        lambda token: token + "\0",
        lambda token: token[:-1],
        lambda token: token[:-22],
        lambda token: token.rpartition(".")[0],
        lambda token: token.rpartition(".")[2],
        lambda token: token.replace(".", "", 1),
        lambda token: "*",
        lambda token: "",
    ]
)


@pytest.fixture
def by_token(launched, cloud) -> Primed:
    return Primed(launched, dict(cloud.environment("web-identity")))


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(subject=st.sampled_from(SUBJECTS), change=changes, later=st.integers(0, 3))
def test_the_front_agrees_with_python_on_any_token(
    launched, by_token, cloud, shell, subject, change, later
) -> None:
    """The first token is replaced by any subject's token, complete or damaged."""
    token = cloud.aws.issuer.issue(
        subject=f"system:serviceaccount:default:{subject}",
        audience="sts.amazonaws.com",
        issued_at=time.time() - later,
        lifetime_s=3600,
    )
    path = Path(by_token.environment["AWS_WEB_IDENTITY_TOKEN_FILE"])
    path.write_text(change(token))
    answer = launched(KEY, by_token.environment, shell=shell)
    twin = launched.plain_twin(KEY, by_token.environment)
    assert (answer.status, answer.stdout) == (twin.status, twin.stdout)
    if subject != "web-identity":
        assert by_token.answer not in answer.stdout
