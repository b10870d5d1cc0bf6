"""Identities of people who have logged in."""

from __future__ import annotations

import hashlib
import json

from dockcred.testing.sandbox.aws.sso import LIFETIME_S
from dockcred.testing.sandbox.aws.workplace import (
    NO_METADATA,
    SSO_START_URL,
    Variables,
    Workplace,
)


def sso(work: Workplace) -> Variables:
    """Use a login at IAM Identity Center, in the sso-session form."""
    return _sso_session(work, "sso", LIFETIME_S)


def sso_legacy(work: Workplace) -> Variables:
    """Use a login at IAM Identity Center, in the form before sso-session."""
    role = work.role(_reserved("sso-legacy"), trusts="")
    login = work.aws.logins.start(role, work.now + LIFETIME_S)
    work.config(f"""\
        [profile sso-legacy]
        sso_start_url = {SSO_START_URL}
        sso_region = eu-west-1
        sso_account_id = {role.account}
        sso_role_name = {role.name}
        """)
    work.sso_token(SSO_START_URL, login)
    return NO_METADATA | {"AWS_PROFILE": "sso-legacy"}


def sso_refresh(work: Workplace) -> Variables:
    """Use a login that has ended and can be refreshed."""
    return _sso_session(work, "sso-refresh", -60)


def sso_expired(work: Workplace) -> Variables:
    """Use a login that has ended for good."""
    return _sso_session(work, "sso-expired", -60, refreshable=False)


def login(work: Workplace) -> Variables:
    """Use a login made with `aws login`."""
    return _console(work, "login", 900)


def login_refresh(work: Workplace) -> Variables:
    """Use a login of `aws login` whose keys have ended and can be refreshed."""
    return _console(work, "login-refresh", -60)


def login_expired(work: Workplace) -> Variables:
    """Use a login of `aws login` that has ended for good."""
    return _console(work, "login-expired", -60, is_over=True)


def _console(
    work: Workplace, name: str, lifetime_s: float, *, is_over: bool = False
) -> Variables:
    role = work.role(_reserved(name), trusts="")
    login = work.aws.signin.start(role, is_over=is_over)
    session = f"arn:aws:sts::{role.account}:assumed-role/{role.name}/person"
    expires_at = work.now + lifetime_s
    key = work.aws.keys.temporary(role.session("person"), expires_at)
    work.config(f"""\
        [profile {name}]
        login_session = {session}
        region = eu-west-1
        """)
    digest = hashlib.sha256(session.encode()).hexdigest()
    document = json.dumps(login.document(key, expires_at))
    work.write(f".aws/login/cache/{digest}.json", document)
    return NO_METADATA | {"AWS_PROFILE": name}


def _sso_session(
    work: Workplace, name: str, lifetime_s: float, *, refreshable: bool = True
) -> Variables:
    role = work.role(_reserved(name), trusts="")
    login = work.aws.logins.start(role, work.now + lifetime_s)
    work.config(f"""\
        [profile {name}]
        sso_session = sandbox
        sso_account_id = {role.account}
        sso_role_name = {role.name}
        [sso-session sandbox]
        sso_start_url = {SSO_START_URL}
        sso_region = eu-west-1
        sso_registration_scopes = sso:account:access
        """)
    work.sso_token("sandbox", login, refreshable=refreshable)
    return NO_METADATA | {"AWS_PROFILE": name}


def _reserved(name: str) -> str:
    return f"AWSReservedSSO_{name}_0123456789abcdef"
