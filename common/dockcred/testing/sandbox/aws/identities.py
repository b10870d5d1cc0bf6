"""The ways to be somebody in AWS: what each leaves in the home and environment.

Each has principals of its own, named after it, so that a mix-up shows.
"""

from __future__ import annotations

from collections.abc import Callable

from dockcred.testing.sandbox.aws import container, sts
from dockcred.testing.sandbox.aws.principals import OTHER_ACCOUNT
from dockcred.testing.sandbox.aws.sso import LIFETIME_S
from dockcred.testing.sandbox.aws.workplace import SSO_START_URL, Workplace

Variables = dict[str, str]
Identity = Callable[[Workplace], Variables]

NO_METADATA = {"AWS_EC2_METADATA_DISABLED": "true"}


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


def assume_role(work: Workplace) -> Variables:
    """Assume a role with another profile's keys."""
    key = work.user("assume-role-source")
    role = work.role("assume-role", key.principal.trusted_as)
    work.credentials("source", key)
    work.config(f"""\
        [profile assume-role]
        role_arn = {role.arn}
        source_profile = source
        """)
    return NO_METADATA | {"AWS_PROFILE": "assume-role"}


def role_chain(work: Workplace) -> Variables:
    """Assume a role from within a role."""
    key = work.user("role-chain-source")
    middle = work.role("role-chain-middle", key.principal.trusted_as)
    last = work.role("role-chain", middle.arn)
    work.credentials("source", key)
    work.config(f"""\
        [profile middle]
        role_arn = {middle.arn}
        source_profile = source
        [profile role-chain]
        role_arn = {last.arn}
        source_profile = middle
        """)
    return NO_METADATA | {"AWS_PROFILE": "role-chain"}


def assume_role_mfa(work: Workplace) -> Variables:
    """Assume a role that asks for a device's code: 123456."""
    key = work.user("assume-role-mfa-source")
    serial = key.principal.arn.replace(":user/", ":mfa/")
    role = work.role("assume-role-mfa", key.principal.trusted_as, serial)
    work.credentials("source", key)
    work.config(f"""\
        [profile assume-role-mfa]
        role_arn = {role.arn}
        source_profile = source
        mfa_serial = {serial}
        """)
    return NO_METADATA | {"AWS_PROFILE": "assume-role-mfa"}


def credential_source_ec2(work: Workplace) -> Variables:
    """Assume a role with the instance profile's keys."""
    source = work.role(work.aws.role, trusts="")
    role = work.role("credential-source-ec2", source.arn)
    work.config(f"""\
        [profile credential-source-ec2]
        role_arn = {role.arn}
        credential_source = Ec2InstanceMetadata
        """)
    return instance_profile(work) | {"AWS_PROFILE": "credential-source-ec2"}


def credential_process(work: Workplace) -> Variables:
    """Use the keys that a program prints."""
    program = work.process(work.session("credential-process"))
    work.config(f"""\
        [profile credential-process]
        credential_process = "{program}"
        """)
    return NO_METADATA | {"AWS_PROFILE": "credential-process"}


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


def web_identity(work: Workplace) -> Variables:
    """Show STS a pod's identity token, kept in a file (IRSA)."""
    subject = "system:serviceaccount:default:web-identity"
    role = work.role("web-identity", trusts=subject)
    return NO_METADATA | {
        "AWS_ROLE_ARN": role.arn,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(work.identity_token(subject, sts.AUDIENCE)),
    }


def container_relative(work: Workplace) -> Variables:
    """Use an ECS task's role.

    By its full URI: the SDKs look for a relative one on 169.254.170.2 only.
    """
    path = work.aws.container.task_path
    return NO_METADATA | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{work.url}{path}"}


def pod_identity(work: Workplace) -> Variables:
    """Show an agent a pod's token, kept in a file (EKS pod identity)."""
    subject = "system:serviceaccount:default:pod-identity"
    token = work.identity_token(subject, container.AUDIENCE)
    return NO_METADATA | {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{work.url}{container.POD_PATH}",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
    }


def instance_profile(work: Workplace) -> Variables:
    """Use an EC2 instance's role, from its metadata server."""
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": work.url}


def nothing(work: Workplace) -> Variables:  # noqa: ARG001 - it leaves nothing there
    """Have no identity at all."""
    return NO_METADATA


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


IDENTITIES: dict[str, Identity] = {
    identity.__name__.replace("_", "-"): identity
    for identity in (
        env_keys,
        env_session,
        shared_credentials,
        profile,
        assume_role,
        role_chain,
        assume_role_mfa,
        credential_source_ec2,
        credential_process,
        sso,
        sso_legacy,
        sso_refresh,
        sso_expired,
        web_identity,
        container_relative,
        pod_identity,
        instance_profile,
        nothing,
    )
}
