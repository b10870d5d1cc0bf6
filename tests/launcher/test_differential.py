"""Whatever the request and the variables: the front says what Python says, or hands over."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.program import HOST

from dockcred.providers.ecr import ECR

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
    st.sampled_from([*ECR.variables, *ECR.secrets, "DOCKCRED_TIMEOUT", "CI"]),
    st.sampled_from(["", "1", "a|b", "x y", "é"]),
    max_size=2,
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(key=keys, more=variables)
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
