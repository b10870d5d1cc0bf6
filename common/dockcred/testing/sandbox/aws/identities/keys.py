"""Identities whose keys are in variables, files or a program."""

from __future__ import annotations

from dockcred.testing.sandbox.aws.principals import OTHER_ACCOUNT
from dockcred.testing.sandbox.aws.workplace import NO_METADATA, Variables, Workplace


def env_keys(work: Workplace) -> Variables:
    """Use long-lived keys in the environment."""
    key = work.user("env-keys")
    return NO_METADATA | {
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
    }


def env_session(work: Workplace) -> Variables:
    """Use temporary keys in the environment, with their session token."""
    key = work.session("env-session")
    return NO_METADATA | {
        "AWS_ACCESS_KEY_ID": key.access_key_id,
        "AWS_SECRET_ACCESS_KEY": key.secret_access_key,
        "AWS_SESSION_TOKEN": key.session_token,
    }


def shared_credentials(work: Workplace) -> Variables:
    """Use the default profile of ~/.aws/credentials."""
    work.credentials("default", work.user("shared-credentials"))
    return NO_METADATA


def profile(work: Workplace) -> Variables:
    """Use a named profile, AWS_PROFILE=dev, in another account."""
    work.credentials("dev", work.user("profile", OTHER_ACCOUNT))
    return NO_METADATA | {"AWS_PROFILE": "dev"}


def credential_process(work: Workplace) -> Variables:
    """Use the keys that a program prints."""
    program = work.process(work.session("credential-process"))
    work.config(f"""\
        [profile credential-process]
        credential_process = "{program}"
        """)
    return NO_METADATA | {"AWS_PROFILE": "credential-process"}
