"""Credentials files, edited at random: we read and use them as google-auth does."""

from __future__ import annotations

import copy
import json
import tempfile
import warnings
from pathlib import Path

import google.auth
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import _cloud_sdk
from google.auth.compute_engine import _metadata
from hypothesis import strategies as st
from support.differential import meant

from dockcred.providers.google.access_token import SCOPE
from dockcred.testing.sandbox import rs256

from .wire import ERROR, Answer, Wire, ours, theirs

pytestmark = pytest.mark.slow  # as a whole too long for `make test`

OAUTH = "https://oauth2.googleapis.com/token"
STS = "https://sts.googleapis.com/v1/token"
ACCOUNT = "target@p.iam.gserviceaccount.com"
IAM = (
    "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/"
    f"{ACCOUNT}:generateAccessToken"
)
SUBJECT = "https://job.example/token"
# Google's keys have 2,048 bits; OpenSSL checks a 1,024-bit key eight times as fast.
PEM = rs256.pem(rsa.generate_private_key(65537, 1024))
TOKEN = "ya29.token"
AT = {
    OAUTH: {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"},
    STS: {"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"},
    "https://sts.googleapis.com/v1/oauthtoken": {
        "access_token": TOKEN,
        "expires_in": 3599,
    },
    IAM: {"accessToken": TOKEN, "expireTime": "2099-01-01T00:00:00Z"},
    SUBJECT: {"value": "job.token"},
}
"""The right answer of each URL."""
KEY = {
    "type": "service_account",
    "project_id": "p",
    "private_key_id": "k",
    "private_key": PEM,
    "client_email": "a@p.iam.gserviceaccount.com",
    "client_id": "1",
    "token_uri": OAUTH,
    "universe_domain": "googleapis.com",
}
LOGIN = {
    "type": "authorized_user",
    "client_id": "c",
    "client_secret": "s",
    "refresh_token": "r",
    "quota_project_id": "p",
}
FEDERATION = {
    "type": "external_account",
    "audience": "//iam.googleapis.com/projects/1/locations/global/"
    "workloadIdentityPools/p/providers/x",
    "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
    "token_url": STS,
    "credential_source": {"file": "FILE"},
}
BASES = {
    "service account": KEY,
    "login": LOGIN,
    "federation by a file": FEDERATION,
    "federation by a URL": FEDERATION
    | {
        "credential_source": {
            "url": SUBJECT,
            "headers": {"x": "y"},
            "format": {"type": "json", "subject_token_field_name": "value"},
        }
    },
    "federation and impersonation": FEDERATION
    | {"service_account_impersonation_url": IAM},
    "workforce": {
        "type": "external_account_authorized_user",
        "audience": "//iam.googleapis.com/locations/global/workforcePools/p/providers/x",
        "client_id": "c",
        "client_secret": "s",
        "refresh_token": "r",
        "token_url": "https://sts.googleapis.com/v1/oauthtoken",
        "token_info_url": "https://sts.googleapis.com/v1/introspect",
    },
    "impersonation by a key": {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": IAM,
        "source_credentials": KEY,
        "delegates": [],
    },
    "impersonation by a login": {
        "type": "impersonated_service_account",
        "service_account_impersonation_url": IAM,
        "source_credentials": LOGIN,
        "delegates": ["b@p.iam.gserviceaccount.com"],
    },
}
ODD = st.sampled_from(
    [None, "", 0, 5, True, [], {}, "x", " x ", "ü", ["a"], {"a": "b"}]
)
MISSING = object()


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict, bool]:
    """A credentials file, maybe edited: its kind, its content, whether it is edited."""
    name = draw(st.sampled_from(sorted(BASES)))
    document = copy.deepcopy(BASES[name])
    changes = draw(st.integers(0, 2))
    for _ in range(changes):
        field = draw(st.sampled_from([*sorted(document), "universe_domain"]))
        value = draw(st.one_of(st.just(MISSING), ODD))
        if value is MISSING:
            document.pop(field, None)
        else:
            document[field] = value
    return name, document, bool(changes)


FORMS = {
    "plain": lambda text: text.encode(),
    "with CRLF": lambda text: text.replace("\n", "\r\n").encode(),
    "with a byte order mark": lambda text: text.encode("utf-8-sig"),
    "as UTF-16": lambda text: text.encode("utf-16"),
    "as Latin-1": lambda text: text.encode("latin-1", "replace"),
    "cut": lambda text: text[: len(text) // 2].encode(),
    "and more": lambda text: f"{text}\n{text}".encode(),
    "empty": lambda _: b"",
}
NAMES = ("variable", "well-known", "well-known of CLOUDSDK_CONFIG")


def place(home: Path, where: str, data: bytes) -> dict[str, str]:
    """Write a credentials file; return the variables by which both sides find it."""
    path, variables = home / "key.json", {"HOME": str(home), "NO_GCE_CHECK": "true"}
    if where == "variable":
        variables["GOOGLE_APPLICATION_CREDENTIALS"] = str(path)
    else:
        directory = home / ".config/gcloud"
        if where != "well-known":
            directory = home / "elsewhere"
            variables["CLOUDSDK_CONFIG"] = str(directory)
        directory.mkdir(parents=True, exist_ok=True)
        path = directory / "application_default_credentials.json"
    path.write_bytes(data)
    return variables


def default(wire: Wire):
    """Return a function: it makes google-auth's default credentials on a wire."""

    def make(_):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            made, _project = google.auth.default(
                scopes=[SCOPE], request=wire.their_request
            )
        if made.token is None:
            made.refresh(wire.their_request)
        return made

    return make


@pytest.fixture(autouse=True)
def _nobody_runs_gcloud(monkeypatch):
    """Replace google-auth's question to gcloud for the project of a login's file."""
    monkeypatch.setattr(_cloud_sdk, "get_project_id", lambda: "p")
    monkeypatch.setattr(_metadata, "_NO_GCE_CHECK", True)


def right(url: str, _: int) -> Answer:
    """Return the right answer of a URL, 404 for unknown URLs."""
    return Answer(200, AT[url]) if url in AT else Answer(404, b"<html>")


def compare_files(document, form, where) -> str | None:
    _, content, _ = document
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        (home / "token").write_text("job.token")
        text = json.dumps(content, indent=1, ensure_ascii=False)
        text = text.replace('"FILE"', json.dumps(str(home / "token")))
        variables = place(home, where, FORMS[form](text))
        here, there = Wire(right), Wire(right)
        end = ours(variables, here)
        their_end = theirs(variables, default(there))
    if end == their_end and (end[0] != "token" or here.asked == there.asked):
        return None
    return why_files_differ(content, form, (end, here), (their_end, there))


def why_files_differ(content, form, our, their):
    (end, here), (their_end, there) = our, their
    told = f"{content} {form}: {end} {here.asked}; SDK: {their_end} {there.asked}"
    if form in {"with a byte order mark", "as UTF-16"} and their_end == ERROR:
        return meant("google-byte-order-mark")
    wanted = (content.get("audience", 0), content.get("subject_token_type", 0))
    if end == ERROR and not all(isinstance(one, str) and one for one in wanted):
        return meant("google-federation-not-whole")
    raise AssertionError(told)


def test_whom_a_credentials_file_names(side_by_side):
    side_by_side(
        compare_files,
        documents(),
        st.sampled_from(["plain"] * 6 + sorted(FORMS)),
        st.sampled_from(NAMES),
    )
