"""Identities that assume a role with other keys."""

from __future__ import annotations

from dockcred.testing.sandbox.aws.identities.machines import instance_profile
from dockcred.testing.sandbox.aws.workplace import NO_METADATA, Variables, Workplace


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
