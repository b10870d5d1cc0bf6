"""Any answers of the metadata server: we retry and end as google-auth does."""

from __future__ import annotations

import pytest
from google.auth import compute_engine
from google.auth.compute_engine import _metadata
from hypothesis import strategies as st
from support.differential import meant

from dockcred.system.cloud import GOOGLE, Hardware

from .test_answers_beside_google_auth import (
    ODD_ENDS,
    ODD_TOKENS,
    REFUSALS,
    STATUSES,
    is_a_token,
)
from .test_beside_google_auth import TOKEN
from .wire import ABSENT, ERROR, Answer, Wire, ours, theirs

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

ROOT = "http://169.254.169.254"
BASE = f"{ROOT}/computeMetadata/v1/instance/service-accounts/default/"
INFO = f"{BASE}?recursive=true"
MACHINE = {
    INFO: {
        "aliases": ["default"],
        "email": "m@p.iam.gserviceaccount.com",
        "scopes": ["https://www.googleapis.com/auth/cloud-platform"],
    },
    f"{BASE}token": {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"},
}
FLAVOR = {"metadata-flavor": "Google"}
EMAILS = ("", 5, None, "a b", "m@p.iam.gserviceaccount.com")
SCOPES = ([], None, "x", ["https://www.googleapis.com/auth/logging.write"], 5)


@st.composite
def machine_answers(draw: st.DrawFn, url: str) -> list[Answer]:
    """The metadata server's answers at a URL, one a request; the last one repeats."""
    found = []
    for _ in range(draw(st.integers(1, 3))):
        status = draw(st.sampled_from(STATUSES))
        body: object = dict(MACHINE[url])
        kind = draw(st.sampled_from(("right", "right", "odd", "other")))
        if status != 200 or kind == "other":
            body = draw(st.sampled_from(REFUSALS))
        elif kind == "odd" and url == INFO:
            body["email"] = draw(st.sampled_from(EMAILS))
            body["scopes"] = draw(st.sampled_from(SCOPES))
        elif kind == "odd":
            body["access_token"] = draw(st.sampled_from((TOKEN, *ODD_TOKENS)))
            body["expires_in"] = draw(st.sampled_from((3599, *ODD_ENDS)))
        headers = FLAVOR if draw(st.integers(0, 4)) else {}
        breaks = draw(st.sampled_from(("", "", "", "", "answering", "connecting")))
        found.append(Answer(status, body, headers, breaks))
    return found


@st.composite
def machines(draw: st.DrawFn) -> tuple[list[Answer], list[Answer], bool]:
    """Answers for the account and for the token, whether the firmware is Google's."""
    info = draw(machine_answers(INFO))
    token = draw(machine_answers(f"{BASE}token"))
    return info, token, draw(st.booleans())


def machine_plan(info, token):
    """Return a plan for both sides; google-auth's ping gets the account's answers."""

    def answer(url: str, before: int) -> Answer:
        plan = token if url.partition("?")[0].endswith("/token") else info
        return plan[min(before, len(plan) - 1)]

    return answer


def their_machine(wire: Wire):
    """Return a function: it asks the metadata server as google-auth's default does."""

    def make(_):
        if not _metadata.is_on_gce(wire.their_request):
            return None
        made = compute_engine.Credentials()
        made.refresh(wire.their_request)
        return made

    return make


def requests_for(wire: Wire) -> tuple[int, int]:
    """Return the number of requests for the account, and for its token."""
    paths = [one.url.partition("?")[0] for one in wire.asked]
    return paths.count(BASE), paths.count(f"{BASE}token")


@pytest.fixture
def firmware(monkeypatch):
    """Return a function: it sets whether the firmware is Google's, for both sides."""
    monkeypatch.setattr(_metadata, "_GCE_METADATA_HOST", "169.254.169.254")
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", False)

    def say(is_googles: bool) -> None:
        monkeypatch.setattr(_metadata, "detect_gce_residency_linux", lambda: is_googles)
        monkeypatch.setattr(Hardware, "_cloud", lambda _: GOOGLE if is_googles else "")
        monkeypatch.setattr(Hardware, "is_container", lambda _: False)

    return say


def test_how_often_the_metadata_server_is_asked_and_how_it_ends(side_by_side, firmware):
    def compare(machine) -> str | list[str] | None:
        info, token, is_googles = machine
        firmware(is_googles)
        variables = {"HOME": "/nowhere", "GCE_METADATA_HOST": "169.254.169.254"}
        here, there = Wire(machine_plan(info, token)), Wire(machine_plan(info, token))
        end, their_end = ours(variables, here), theirs(variables, their_machine(there))
        mine, other = (end, requests_for(here)), (their_end, requests_for(there))
        if mine == other:
            return None
        return why_machines_differ(machine, mine, other)

    side_by_side(compare, machines())


def why_machines_differ(machine, our, their) -> str | None:
    """Return the meant difference, or fail; None if we only made no ping."""
    info, token, _ = machine
    (end, (asked, fetched)), (their_end, (their_asked, their_fetched)) = our, their
    met = info[: max(asked, their_asked)] + token[: max(fetched, their_fetched)]
    plain = all(not one.breaks and one.status in AS_GOOGLE_AUTH for one in met)
    last = info[min(asked, len(info)) - 1]
    body = last.body if isinstance(last.body, dict) else {}
    is_odd = not is_a_token(body.get("email")) or body.get("scopes") not in ENOUGH
    if their_end == ABSENT and (end == ABSENT or not is_foreign(info, asked)):
        return None if end == ABSENT else meant("google-metadata-that-is-there")
    if end == ABSENT and last.status == 404:
        return meant("google-machine-without-account")
    if end == ERROR and last.status == 200 and fetched == 0 and is_odd:
        return meant("google-account-of-no-use")
    if not plain and max(asked, fetched) <= MOST_ATTEMPTS:
        return meant("google-metadata-attempts")
    if end == ERROR and (asked, fetched) == (their_asked, their_fetched):
        return why_tokens_differ(token[min(fetched, len(token)) - 1], their_end)
    raise AssertionError(f"{machine}: ours {our}, SDK's {their}")


MOST_ATTEMPTS = 15
"""Requests: up to three connections for each of five answers."""
AS_GOOGLE_AUTH = frozenset({200, 400, 401, 403, 404, 408, 429, 500, 503, 504})
"""After these statuses we do as google-auth does; it does not retry a 410 or 502."""
ENOUGH = ([], None, ["https://www.googleapis.com/auth/cloud-platform"])


def is_foreign(info: list[Answer], asked: int) -> bool:
    """Return whether no answer that we received has Google's header."""
    met = [info[min(n, len(info) - 1)] for n in range(asked)]
    return not any(one.breaks == "answering" or one.headers for one in met)


def why_tokens_differ(last: Answer, their_end) -> str:
    """Return the meant difference by which we refuse a token that google-auth uses."""
    body = last.body if isinstance(last.body, dict) else {}
    if not is_a_token(their_end[1]):
        return meant("google-token-that-is-none")
    assert body.get("expires_in") in {0, -1, True}, f"{body}: SDK's {their_end}"
    return meant("google-token-that-has-ended")
