"""AWS in the sandbox: its principals, its services, its identities."""

from __future__ import annotations

from pathlib import Path

from dockcred.testing.sandbox.aws.container import Container
from dockcred.testing.sandbox.aws.ecr import Ecr, EcrPublic
from dockcred.testing.sandbox.aws.identities import IDENTITIES
from dockcred.testing.sandbox.aws.imds import Imds
from dockcred.testing.sandbox.aws.machine_keys import MachineKeys
from dockcred.testing.sandbox.aws.passwords import Passwords
from dockcred.testing.sandbox.aws.principals import (
    REGION,
    AccessKeys,
    Role,
)
from dockcred.testing.sandbox.aws.registry import covers
from dockcred.testing.sandbox.aws.sso import Logins, SsoOidc, SsoPortal
from dockcred.testing.sandbox.aws.sts import Sts
from dockcred.testing.sandbox.aws.workplace import Workplace
from dockcred.testing.sandbox.failures import Failures
from dockcred.testing.sandbox.rate_limit import TokenBucket
from dockcred.testing.sandbox.service import Minted, Service, Subject


class Aws:
    """The state that the AWS services share.

    `role` is the role that the metadata service returns from now on. `mfa_code` is the
    only code that STS accepts. `expires_s` is the life of a registry password in
    seconds. `bucket` is the rate limit on GetAuthorizationToken, if any.
    """

    identities = IDENTITIES
    subject = Subject(
        provider="ecr",
        hosts=(
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr-ecr.us-east-1.on.aws",
            "public.ecr.aws",
        ),
        nobody="nothing",
        somebody="env-keys",
    )
    needs_tls = False

    def __init__(self, expires_s: float, failures: Failures) -> None:
        # These need cryptography, which the extra `sandbox` installs.
        from dockcred.testing.sandbox.aws.signin import SignIn  # noqa: PLC0415
        from dockcred.testing.sandbox.identity_tokens import Issuer  # noqa: PLC0415

        self.expires_s = expires_s
        self.role = "instance-profile"
        self.mfa_code = "123456"
        self.bucket: TokenBucket | None = None
        self.keys = AccessKeys()
        self.passwords = Passwords()
        self.roles: dict[str, Role] = {}
        self.logins = Logins()
        self.issuer = Issuer("https://oidc.eks.eu-west-1.amazonaws.com/id/SANDBOX")
        self.machine_keys = MachineKeys(self.keys)
        self.container = Container(self)
        self.signin = SignIn(self)
        self.services: tuple[Service, ...] = (
            Ecr(self),
            EcrPublic(self),
            Sts(self),
            SsoPortal(self),
            SsoOidc(self),
            self.signin,
            Imds(self),
            self.container,
        )
        self._failures = failures

    def fail(self, kind: str) -> None:
        """Add a failure: `KIND` or `SERVICE:KIND`, each with an optional `:TIMES`."""
        self._failures.add(kind)

    def add_role(self, role: Role) -> Role:
        """Add a role; the principal that it trusts may assume it."""
        self.roles[role.arn] = role
        return role

    def environment(
        self, identity: str, *, home: Path, url: str, tls: bool
    ) -> dict[str, str]:
        """Write the identity's files below `home` and return its variables.

        With `tls` the clients use the real host names. Without it, the endpoint
        variables name `url`.
        """
        endpoints = {} if tls else dict.fromkeys(ENDPOINT_VARIABLES, url)
        region = dict.fromkeys(("AWS_REGION", "AWS_DEFAULT_REGION"), REGION)
        return region | endpoints | IDENTITIES[identity](Workplace(self, home, url))

    def minted(self, password: str) -> Minted | None:
        """Return what a registry password was issued for; None if it is unknown."""
        return self.passwords.find(password)

    def admits(self, username: str, password: str, host: str, now: float) -> bool:
        """Return whether the registry at this host would accept the password."""
        minted = self.passwords.find(password)
        return (
            username == "AWS"
            and minted is not None
            and now < minted.expires_at
            and covers(minted, host)
        )


ENDPOINT_VARIABLES = (
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_ECR_PUBLIC",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_SSO_OIDC",
    "AWS_ENDPOINT_URL_SIGNIN",
)
