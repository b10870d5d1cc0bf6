"""The AWS identities: what each leaves in the home and the environment.

Each has its own principals, named after it, so that a test notices a mix-up.
"""

from __future__ import annotations

from collections.abc import Callable

from dockcred.testing.sandbox.aws.identities import keys, logins, machines, roles
from dockcred.testing.sandbox.aws.workplace import Variables, Workplace

Identity = Callable[[Workplace], Variables]

IDENTITIES: dict[str, Identity] = {
    identity.__name__.replace("_", "-"): identity
    for identity in (
        keys.env_keys,
        keys.env_session,
        keys.shared_credentials,
        keys.profile,
        keys.credential_process,
        roles.assume_role,
        roles.role_chain,
        roles.assume_role_mfa,
        roles.credential_source_ec2,
        logins.sso,
        logins.sso_legacy,
        logins.sso_refresh,
        logins.sso_expired,
        logins.login,
        logins.login_refresh,
        logins.login_expired,
        machines.web_identity,
        machines.container_relative,
        machines.pod_identity,
        machines.instance_profile,
        machines.nothing,
    )
}
