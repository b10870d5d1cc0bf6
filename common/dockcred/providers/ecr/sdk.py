"""The SDK road: botocore resolves each identity that a profile can name."""

from __future__ import annotations

import warnings
from functools import partial
from subprocess import DEVNULL, Popen

from dockcred.errors import MissingExtraError
from dockcred.identity.provider import Identity
from dockcred.providers.ecr import accounts, direct, endpoints, hosts, problems
from dockcred.providers.ecr.api import credential, learn_account
from dockcred.system import child_program, process
from dockcred.system.environment import adopt, become
from dockcred.system.version import __version__
from dockcred.transport import trust
from dockcred.transport.http import ATTEMPTS

try:
    import botocore.credentials
    import botocore.session
    from botocore.config import Config

    from dockcred.providers.ecr import profiles
    from dockcred.providers.ecr.profiles import (
        ASKING,
        READING,
        RESOLVING,
        Chain,
    )
    from dockcred.providers.ecr.session import (
        METHODS,
        CliRoles,
        Metadata,
        check_retries,
        has_stored_keys,
        is_said,
        names_metadata,
        refuse_in_clear,
        retries,
    )
except ImportError:
    raise MissingExtraError(
        "this AWS identity needs boto3, which is not installed",
        "run: pip install 'dockcred[aws]'",
    ) from None

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dockcred.credential import Credential
    from dockcred.providers.ecr.hosts import EcrRegistry
    from dockcred.system.environment import Environment

_PROCESS_PROVIDER = botocore.credentials.ProcessProvider
_WITHOUT_KINDS = frozenset({"aws:sso", "aws:login"})
"""Sources with portals that have no FIPS or dual-stack endpoints, though STS has them.
"""


class SdkIdentity(Identity):
    """Whatever identity botocore resolves for the selected profile."""

    def __init__(self, registry: EcrRegistry, environment: Environment) -> None:
        """Read the configuration; no request is sent yet."""
        warnings.simplefilter("ignore")
        self._registry = registry
        self._environment = environment
        self._service = "ecr-public" if registry.is_public else "ecr"
        named = environment.get("DOCKCRED_AWS_PROFILE")
        self._named = "" if named == hosts.AUTO else named
        self._profile = self._named or hosts.profile(environment)
        with profiles.Translation(self._profile, self._service).of(READING):
            if named == hosts.AUTO and not registry.is_public:
                self._named = accounts.profile_of_account(
                    registry.account, self._profiles()
                )
                self._profile = self._named
        self._telling = profiles.Translation(self._profile, self._service)
        with self._telling.of(READING):
            self._session = session = self._open()
            self._kinds = self._kinds_by_settings()
            self._chain = Chain(
                self._profile or "default",
                session.full_config,
                environment,
                is_named=bool(self._named),
                has_stored_keys=partial(has_stored_keys, session),
            )
        self._telling.mfa_serial = self._chain.mfa_serial
        self._telling.is_chosen = len(self._chain.sources) > 1
        self._role_arn = environment.get("DOCKCRED_AWS_ROLE_ARN")
        role = ("aws:assume-role",) if self._role_arn else ()
        own = (self._role_arn,) if self._role_arn else ()
        self._telling.roles = (*own, *self._chain.roles)
        self._telling.tokens = self._chain.tokens
        self.sources = (*role, *self._chain.sources)
        self.files = self._chain.files
        self.tokens = self._chain.tokens

    def issue(self) -> Credential:
        """Return ECR's password, for the keys that botocore resolves."""
        process.set_activity("resolving the AWS identity through botocore")
        with self._telling.of(RESOLVING):
            self._follow_kinds()
            keys = self._session.get_credentials()
            if keys is None:
                # Each of botocore's clients reads these settings, and may refuse them.
                self._session.get_auth_token()
                check_retries(self._session)
                raise problems.missing()
            if keys.method not in METHODS.get(self._chain.sources[0], ()):
                self.sources = (f"aws:{keys.method}",)
            keys.get_frozen_credentials()
            check_retries(self._session)
        # This attribute is private. botocore tells a process's Expiration nowhere else.
        ends = getattr(keys, "_expiry_time", None)
        if "aws:process" in self.sources and ends is None:
            self.sources = ("aws:process-without-expiration",)
        with self._telling.of(ASKING):
            minted = self._authorization_token(
                self._assumed() if self._role_arn else {}
            )
        if "aws:process" in self.sources and ends is not None:
            minted.expires_at = min(minted.expires_at or 0.0, ends.timestamp())
        return minted

    def ask_principal(self) -> str:
        """Return the ARN of the keys, as STS knows it."""
        with self._telling.of(ASKING):
            self._follow_kinds()
            keys = self._assumed() if self._role_arn else {}
            region = self._registry.region
            client = self._session.create_client("sts", region_name=region, **keys)
            return str(client.get_caller_identity()["Arn"])

    def _open(self) -> Any:
        """Return a session with this registry's variables, not the process's own."""
        become(self._environment)
        # The class is replaced in its module, since each chain of profiles may lead to
        # it.
        botocore.credentials.ProcessProvider = partial(
            _PROCESS_PROVIDER,
            popen=self._start_process,
        )
        if self._profile:
            # botocore prefers AWS_DEFAULT_PROFILE to AWS_PROFILE.
            adopt({"AWS_DEFAULT_PROFILE": self._profile})
        if chosen := direct.env_keys(self._environment):
            # botocore does not know ecr-login's second names for these variables, nor
            # its order.
            adopt({"AWS_ACCESS_KEY_ID": chosen.access_key_id})
            adopt({"AWS_SECRET_ACCESS_KEY": chosen.secret})
            adopt({"AWS_SECURITY_TOKEN": chosen.session_token})
        session = botocore.session.Session(profile=self._named or None)
        session.set_config_variable("region", self._registry.region)
        # Outside of EC2, IMDSv1 would mean a second timeout. Neither road uses it.
        session.set_config_variable("ec2_metadata_v1_disabled", True)
        session.set_config_variable("sts_regional_endpoints", "regional")
        # This is for STS and the portals too: the identity's own clients ask them.
        told = retries(session, self._environment)
        patience = Config(connect_timeout=3, read_timeout=5, retries=told)
        session.set_default_client_config(patience)
        is_named = names_metadata(session, self._environment)
        if not is_said(session, self._environment, "metadata_service_num_attempts"):
            session.set_config_variable("metadata_service_num_attempts", ATTEMPTS)
        if not session.get_config_variable("ca_bundle"):
            roots = trust.bundle(self._environment, endpoints.CA_VARIABLES)
            session.set_config_variable("ca_bundle", roots)
        session.register("before-send", refuse_in_clear)
        resolver = session.get_component("credential_provider")
        for method in ("ec2-credentials-file", "boto-config"):
            resolver.remove(method)
        if not is_named:
            theirs = resolver.get_provider(Metadata.METHOD)
            spared = Metadata(theirs, self._environment)
            resolver.insert_after(Metadata.METHOD, spared)
            resolver.remove(Metadata.METHOD)  # removes the first of the two
        roles = resolver.get_provider("assume-role")
        roles.cache = CliRoles(f"{self._environment.home()}/.aws/cli/cache")
        # This attribute is private. There is no other way to keep botocore from asking
        # on a terminal.
        roles._prompter = profiles.refuse_to_prompt  # noqa: SLF001
        return session

    def _start_process(self, *details: Any, **more: Any) -> Any:
        """Start a credential_process, with the variables that child programs may see.

        The list of these variables is read only here, when a process is really started.
        """
        variables = child_program.variables_for("credential_process", self._environment)
        start: Any = Popen
        return start(*details, env=variables, stdin=DEVNULL, **more)

    def _profiles(self) -> Mapping[str, Any]:
        become(self._environment)
        found: Mapping[str, Any] = botocore.session.Session().full_config["profiles"]
        return found

    def _kinds_by_settings(self) -> tuple[bool, bool]:
        """Return whether FIPS and dual-stack are wanted, by the host or by settings."""
        fips, dual_stack = endpoints.kinds(self._registry, self._environment)
        get = self._session.get_config_variable
        return (
            fips or bool(get("use_fips_endpoint")),
            dual_stack or bool(get("use_dualstack_endpoint")),
        )

    def _follow_kinds(self) -> None:
        if _WITHOUT_KINDS.intersection(self.sources):
            return
        fips, dual_stack = self._kinds
        self._session.set_config_variable("use_fips_endpoint", fips)
        self._session.set_config_variable("use_dualstack_endpoint", dual_stack)

    def _assumed(self) -> dict[str, str]:
        """Assume the role that config.toml names for this registry; return its keys."""
        client = self._session.create_client("sts", region_name=self._registry.region)
        name = self._environment.get("AWS_ROLE_SESSION_NAME", "dockcred")
        which = {"RoleArn": self._role_arn, "RoleSessionName": name}
        if external_id := self._environment.get("DOCKCRED_AWS_EXTERNAL_ID"):
            which["ExternalId"] = external_id
        keys = client.assume_role(**which)["Credentials"]
        return {
            "aws_access_key_id": keys["AccessKeyId"],
            "aws_secret_access_key": keys["SecretAccessKey"],
            "aws_session_token": keys["SessionToken"],
        }

    def _authorization_token(self, keys: dict[str, str]) -> Credential:
        process.set_activity("asking ECR through botocore")
        fips, dual_stack = self._kinds
        client = self._session.create_client(
            self._service,
            region_name=self._registry.region,
            **keys,
            config=Config(
                # The public gallery has no FIPS endpoint.
                use_fips_endpoint=fips and not self._registry.is_public,
                use_dualstack_endpoint=dual_stack,
                user_agent_extra=f"dockcred/{__version__}",
            ),
        )
        account = self._registry.account
        which = {"registryIds": [account]} if account else {}
        data = client.get_authorization_token(**which)["authorizationData"]
        if isinstance(data, list):
            data = data[0]
        learn_account(self._registry, data)
        return credential(data["authorizationToken"], data["expiresAt"].timestamp())
