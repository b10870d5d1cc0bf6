"""The Google identities: what each leaves in the home and the environment.

Each has its own principals, named after it, so that a test notices a mix-up.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from urllib.parse import urlsplit

from dockcred.testing.sandbox.google import oauth, sts, subject, wire
from dockcred.testing.sandbox.google.principals import CLOUD_PLATFORM, email
from dockcred.testing.sandbox.google.workplace import (
    NO_METADATA,
    Variables,
    Workplace,
)
from dockcred.testing.sandbox.home import path_led_by

WORKFORCE_USER = "principal://iam.googleapis.com/workforce/subject/somebody"
AWS_REGION = "eu-west-1"


def service_account(work: Workplace) -> Variables:
    """Hold a service account's key file."""
    return work.credentials(work.key_document(work.google.principals.new_key("keyed")))


def authorized_user(work: Workplace) -> Variables:
    """Be logged in with gcloud auth application-default login."""
    work.write(
        ".config/gcloud/application_default_credentials.json",
        json.dumps(
            {
                "type": "authorized_user",
                "client_id": oauth.CLIENT_ID,
                "client_secret": oauth.CLIENT_SECRET,
                "refresh_token": work.google.principals.login("user@sandbox.example"),
            }
        ),
    )
    return NO_METADATA


def workforce_user(work: Workplace) -> Variables:
    """Be logged in by another organisation's workforce pool."""
    login = work.google.principals.login(WORKFORCE_USER)
    return work.credentials(
        {
            "type": "external_account_authorized_user",
            "audience": "//iam.googleapis.com/locations/global/workforcePools/sandbox/"
            "providers/oidc",
            "client_id": oauth.CLIENT_ID,
            "client_secret": oauth.CLIENT_SECRET,
            "refresh_token": login,
            "token_url": work.endpoint("sts.googleapis.com", "/v1/oauthtoken"),
            "token_info_url": work.endpoint("sts.googleapis.com", "/v1/introspect"),
        }
    )


def wif_file(work: Workplace) -> Variables:
    """Show STS a job's token, kept in a file, and become a service account."""
    token = work.google.subject_token("wif-file", work.now)
    path = work.write("token", token)
    account = email("wif-file")
    work.google.principals.allow(sts.principal("wif-file"), account)
    return work.credentials(work.federation({"file": str(path)}, account=account))


def wif_direct(work: Workplace) -> Variables:
    """Show STS a job's token, kept in a file, and impersonate nobody."""
    path = work.write("token", work.google.subject_token("wif-direct", work.now))
    return work.credentials(work.federation({"file": str(path)}))


def wif_url(work: Workplace) -> Variables:
    """Show STS a job's token, had from a URL."""
    source = {
        "url": f"{work.url}{subject.PATH}",
        "headers": {subject.HEADER: work.google.subject_secret},
        "format": {"type": "json", "subject_token_field_name": "value"},
    }
    return work.credentials(work.federation(source))


def wif_executable(work: Workplace) -> Variables:
    """Show STS a job's token, printed by a program."""
    answer = {
        "version": 1,
        "success": True,
        "token_type": sts.JWT,
        "id_token": work.google.subject_token("wif-executable", work.now),
        "expiration_time": int(work.now + 600),
    }
    script = f"#!/bin/sh\nexec cat <<'TOKEN'\n{json.dumps(answer)}\nTOKEN\n"
    path = work.write("subject-token", script, mode=0o700)
    source = {"executable": {"command": str(path), "timeout_millis": 5000}}
    allowed = {"GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES": "1"}
    return work.credentials(work.federation(source)) | allowed


def wif_aws(work: Workplace) -> Variables:
    """Show STS a request signed with AWS keys."""
    key = work.google.aws.keys.permanent("123456789012", "wif-aws")
    source = {
        "environment_id": "aws1",
        "regional_cred_verification_url": "https://sts.{region}.amazonaws.com"
        "?Action=GetCallerIdentity&Version=2011-06-15",
    }
    return work.credentials(work.federation(source, "aws")) | {
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_REGION": AWS_REGION,
    }


def impersonated(work: Workplace) -> Variables:
    """Hold a key and become another service account with it."""
    key = work.google.principals.new_key("impersonator")
    work.google.principals.allow(key.account, email("impersonated"))
    return work.credentials(
        {
            "type": "impersonated_service_account",
            "service_account_impersonation_url": work.impersonation(
                email("impersonated")
            ),
            "delegates": [],
            "source_credentials": work.key_document(key),
        }
    )


def gcloud(work: Workplace) -> Variables:
    """Be logged in with gcloud; a program of that name answers."""
    scopes = frozenset({CLOUD_PLATFORM.rpartition("/")[2]})
    ends = work.now + work.google.life_s
    token = work.google.principals.token("gcloud@sandbox.example", scopes, ends)
    answer = {
        "configuration": {"active_configuration": "default", "properties": {}},
        "credential": {"access_token": token, "token_expiry": wire.rfc3339(ends)},
    }
    script = (
        '#!/bin/sh\necho "$*" >>"$HOME/gcloud-calls"\n'
        f"exec cat <<'ANSWER'\n{json.dumps(answer)}\nANSWER\n"
    )
    program = work.write("bin/gcloud", script, mode=0o700)
    work.write(".config/gcloud/credentials.db", "")
    work.write(".config/gcloud/active_config", "default")
    account = "[core]\naccount = gcloud@sandbox.example\n"
    work.write(".config/gcloud/configurations/config_default", account)
    return NO_METADATA | path_led_by(program.parent)


def metadata(work: Workplace) -> Variables:
    """Use a machine's service account, from its metadata server."""
    netloc = urlsplit(work.url).netloc
    return {"GCE_METADATA_HOST": netloc, "GCE_METADATA_IP": netloc}


def nobody(work: Workplace) -> Variables:  # noqa: ARG001 - it leaves nothing there
    """Have no Google identity at all."""
    return NO_METADATA


IDENTITIES: dict[str, Callable[[Workplace], Variables]] = {
    f"google-{identity.__name__.replace('_', '-')}": identity
    for identity in (
        service_account,
        authorized_user,
        workforce_user,
        wif_file,
        wif_direct,
        wif_url,
        wif_executable,
        wif_aws,
        impersonated,
        gcloud,
        metadata,
        nobody,
    )
}
