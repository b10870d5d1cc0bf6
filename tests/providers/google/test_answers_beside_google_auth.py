"""Any answers of Google's endpoints: we retry and end as google-auth does."""

from __future__ import annotations

import copy
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st
from support.differential import meant

from .test_beside_google_auth import AT, BASES, IAM, OAUTH, STS, TOKEN, default, place
from .wire import ERROR, Answer, Wire, ours, theirs

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

HTML = b"<!DOCTYPE html><html><body>Log in to the network</body></html>"
STATUSES = (200, 200, 200, 400, 401, 403, 404, 408, 410, 429, 500, 502, 503, 504)
RETRIED = frozenset({408, 429, 500, 503, 504})
"""google.auth.transport.DEFAULT_RETRYABLE_STATUS_CODES."""
REFUSALS = (
    {"error": "invalid_grant", "error_description": "Token has been expired"},
    {"error": "invalid_grant", "error_subtype": "invalid_rapt"},
    {"error": "temporarily_unavailable"},
    {"error": "internal_failure"},
    {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": "denied"}},
    {"error": 5},
    HTML,
    b"",
    b"\xff\xfe",
    [],
    None,
    "text",
)
ENDPOINTS = {
    "service account": OAUTH,
    "login": OAUTH,
    "federation by a file": STS,
    "workforce": "https://sts.googleapis.com/v1/oauthtoken",
    "impersonation by a key": IAM,
    "federation and impersonation": IAM,
}
ODD_TOKENS = ("", 5, None, True, ["x"], {}, "a b", "a\nb", "ü", " ")
ODD_ENDS = ("3599", "x", "", 0, -1, 1e30, 10**400, None, True, [], {}, "1e3", 0.5)
ODD_TIMES = (
    "",
    5,
    None,
    "x",
    "2099-01-01",
    "2099-01-01T00:00:00",
    "9999-12-31T23:59:59Z",
)


@st.composite
def bodies(draw: st.DrawFn, url: str) -> object:
    """A URL's body: right, with an odd field, without a field, or another document."""
    kind = draw(st.sampled_from(("right", "odd", "less", "other")))
    if kind == "other":
        return draw(st.sampled_from(REFUSALS))
    body = dict(AT[url])
    if kind == "right":
        return body
    name = draw(st.sampled_from(sorted(body)))
    if kind == "less":
        del body[name]
        return body
    odd = {"expires_in": ODD_ENDS, "expireTime": ODD_TIMES}.get(name, ODD_TOKENS)
    body[name] = draw(st.sampled_from(odd))
    return body


@st.composite
def exchanges(draw: st.DrawFn) -> tuple[str, list[Answer]]:
    """A kind of credentials file, and its endpoint's answers; the last one repeats."""
    name = draw(st.sampled_from(sorted(ENDPOINTS)))
    return name, draw(answers(ENDPOINTS[name]))


@st.composite
def answers(draw: st.DrawFn, url: str) -> list[Answer]:
    """A URL's answers, one for each request; the last one repeats."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        breaks = draw(st.sampled_from(("", "", "", "", "answering")))
        status = draw(st.sampled_from(STATUSES))
        body = draw(bodies(url)) if status == 200 else draw(st.sampled_from(REFUSALS))
        found.append(Answer(status, body, {"metadata-flavor": "Google"}, breaks))
    return found


def in_turn(url: str, plan: list[Answer]):
    """Return a plan: one URL gives these answers, all others give right answers."""

    def answer(asked: str, before: int) -> Answer:
        if asked == url:
            return plan[min(before, len(plan) - 1)]
        return Answer(200, AT[asked])

    return answer


def compare_exchanges(exchange) -> str | None:
    name, plan = exchange
    url = ENDPOINTS[name]
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "token").write_text("job.token")
        text = json.dumps(copy.deepcopy(BASES[name]))
        text = text.replace('"FILE"', json.dumps(str(home / "token")))
        variables = place(home, "variable", text.encode())
        here, there = Wire(in_turn(url, plan)), Wire(in_turn(url, plan))
        end = ours(variables, here)
        their_end = theirs(variables, default(there))
    if end == their_end and counted(here, url) == counted(there, url):
        return None
    return why_ends_differ(
        plan, (end, counted(here, url)), (their_end, counted(there, url))
    )


def counted(wire: Wire, url: str) -> int:
    """Return the number of requests to a URL."""
    return sum(one.url == url for one in wire.asked)


def why_ends_differ(plan, our, their) -> str:
    """Return the meant difference that explains two ends; fail if none does."""
    (end, count), (their_end, their_count) = our, their
    went_on = [plan[min(n, len(plan) - 1)] for n in range(their_count - 1, count - 1)]
    last = plan[min(count, len(plan)) - 1]
    if went_on and count <= MOST_ATTEMPTS and all(map(may_pass, went_on)):
        return meant("google-tried-again")
    if count == their_count and last.status == 200 and not last.breaks:
        body = last.body if isinstance(last.body, dict) else {}
        if end == ERROR and body.get("expires_in") in ENDED:
            return meant("google-token-that-has-ended")
        if end == ERROR and not is_a_token(their_end[1]):
            return meant("google-token-that-is-none")
        if their_end == ERROR and end == ("token", TOKEN):
            return meant("google-end-of-another-form")
    raise AssertionError(f"{plan}: ours {our}, SDK's {their}")


MOST_ATTEMPTS = 12
"""Requests: up to three connections for each of four answers."""
ENDED = (0, -1)
PASSING = ("temporarily_unavailable", "internal_failure", "server_error")
"""Error codes after which google-auth retries, whatever the HTTP status is."""


def may_pass(answer: Answer) -> bool:
    """Return whether we retry after this answer."""
    status = answer.status
    code = answer.body.get("error") if isinstance(answer.body, dict) else ""
    return (
        bool(answer.breaks)
        or status in {408, 410, 429}
        or status >= 500
        or code in PASSING
    )


def is_a_token(value: object) -> bool:
    """Return whether a value can stand in a header, and is not empty."""
    return (
        isinstance(value, str)
        and bool(value)
        and value.isascii()
        and (value.isprintable() and " " not in value)
    )


def test_how_often_an_endpoint_is_asked_and_how_it_ends(side_by_side):
    side_by_side(compare_exchanges, exchanges())
