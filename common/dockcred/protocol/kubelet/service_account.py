"""Use a pod's own service account token instead of the node's identity."""

from __future__ import annotations

from dockcred.credential import Credential
from dockcred.errors import InvalidInputError, IssueError
from dockcred.identity import web_identity
from dockcred.identity.provider import Identity, Provider
from dockcred.system.environment import google, programs
from dockcred.transport.json_reader import claims_of, moment

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from dockcred.credential import ServerURL
    from dockcred.system.environment import Environment

ENABLED = "iam.gke.io/enable-wi-image-pull"
ACCOUNT = "iam.gke.io/gcp-service-account"
AUDIENCE = "dockcred/google-audience"


def audience_of(annotations: Mapping[str, str], environment: Environment) -> str:
    """Return the workload identity provider to exchange the token with, or "".

    An annotation or a variable names it. Else it is the cluster's own pool, if an
    annotation of the account asks for that.
    """
    named = annotations.get(AUDIENCE) or environment.get("DOCKCRED_GOOGLE_AUDIENCE")
    if named:
        return named
    if annotations.get(ENABLED) != "true":
        return ""
    project = environment.get("DOCKCRED_GOOGLE_PROJECT")
    issuer = environment.get("DOCKCRED_GOOGLE_IDENTITY_PROVIDER")
    if not project or not issuer:
        raise InvalidInputError(
            f"{ENABLED} is set, but not which pool it means",
            "give the plugin --project-id and --identity-provider",
        )
    return f"identitynamespace:{project}.svc.id.goog:{issuer}"


def impersonated(annotations: Mapping[str, str], environment: Environment) -> str:
    """Return the Google service account to impersonate, or ""."""
    named = annotations.get(ACCOUNT)
    return named or environment.get("DOCKCRED_GOOGLE_SERVICE_ACCOUNT")


SOURCE = "DOCKCRED_OIDC_SOURCE"
FROM_KUBELET = "kubelet"
"""The token source that the plugin sets for `identity = "oidc"` if none is named."""

KEY = "DOCKCRED_SERVICE_ACCOUNT"
"""Puts the token's account into the cache key; we set it for one call."""

ECR_ROLE = "eks.amazonaws.com/ecr-role-arn"
RRSA_ROLE = "pod-identity.alibabacloud.com/role-name"
_RRSA = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
_SESSION = "AWS_ROLE_SESSION_NAME"
ACR_CLIENT = "kubernetes.azure.com/acr-client-id"
ACR_TENANT = "kubernetes.azure.com/acr-tenant-id"


class ServiceAccount:
    """A token's service account, its annotations, and the token's expiry (epoch s)."""

    __slots__ = (
        *("annotations", "audiences", "expires_at", "key", "name", "namespace"),
        *("subject", "token"),
    )

    def __init__(self, token: str, annotations: dict[str, str]) -> None:
        """Parse the claims, unverified: the service that accepts the token verifies it.

        Raises InvalidInputError if it is not a service account's token.
        """
        claims = claims_of(token.encode("ascii", "replace"))
        try:
            bound = claims["kubernetes.io"]
            self.namespace = _text(bound["namespace"])
            self.name = _text(bound["serviceaccount"]["name"])
            uid = _text(bound["serviceaccount"]["uid"])
            self.expires_at = moment(claims["exp"])
            whose = (_text(claims["iss"]), self.namespace, self.name, uid)
            said = claims["aud"]
            self.audiences = said if isinstance(said, list) else [said]
            self.key = ascii((*whose, said, sorted(annotations.items())))
            self.subject = f"system:serviceaccount:{self.namespace}:{self.name}"
        except (LookupError, TypeError, ValueError):
            raise InvalidInputError(
                "serviceAccountToken is not a bound Kubernetes token",
                "see tokenAttributes in kubelet's credential provider configuration",
            ) from None
        self.token = token
        self.annotations = annotations

    def __repr__(self) -> str:
        """Show the account, not the token."""
        return f"ServiceAccount({self.namespace!r}, {self.name!r}, token=…)"

    def variables(
        self, provider: str, environment: Environment
    ) -> tuple[dict[str, str], str]:
        """Return the variables that make a provider ask as this account, and the role.

        Both are empty if no annotation names a role: then the node's identity asks.
        """
        if provider == "ecr":
            return self._aws(environment)
        if provider == "acr":
            return self._azure(environment)
        if provider == "google":
            return self._google(environment)
        if provider == "alibaba":
            return self._alibaba(environment)
        if provider == "oidc" and environment.get(SOURCE) == FROM_KUBELET:
            return self._exchanged(environment), ""
        return {}, ""

    def check_audience(self, wanted: str) -> None:
        """Raise InvalidInputError if `wanted` is not an audience of the token."""
        if wanted and wanted not in self.audiences:
            found = ", ".join(map(str, self.audiences))
            raise InvalidInputError(
                f"the service account's token is for {found!a:.160}, not for "
                f"{wanted!a:.160}",
                "have token_audience, and serviceAccountTokenAudience in kubelet's "
                "credential provider configuration, say the same",
            )

    def _exchanged(self, environment: Environment) -> dict[str, str]:
        """Return variables that exchange the token; annotations go before variables."""
        noted = self.annotations.get
        role = noted(ECR_ROLE) or environment.first(
            "DOCKCRED_AWS_ROLE_ARN", "AWS_ECR_ROLE_ARN"
        )
        named = {
            "DOCKCRED_AWS_ROLE_ARN": role,
            "AWS_ROLE_SESSION_NAME": self._session(environment),
            "AZURE_CLIENT_ID": noted(ACR_CLIENT),
            "AZURE_TENANT_ID": noted(ACR_TENANT),
            "DOCKCRED_GOOGLE_AUDIENCE": noted(AUDIENCE),
            "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT": noted(ACCOUNT),
        }
        return {
            **{name: value for name, value in named.items() if value},
            "DOCKCRED_OIDC_TOKEN_FILE": web_identity.in_memory(self.token),
        }

    def _aws(self, environment: Environment) -> tuple[dict[str, str], str]:
        role = self.annotations.get(ECR_ROLE) or environment.get("AWS_ECR_ROLE_ARN")
        if not role:
            return {}, ""
        session = self._session(environment)
        return web_identity.aws(self.token, role, session), f"the role {role}"

    def _session(self, environment: Environment, variable: str = _SESSION) -> str:
        """Return a role's session name, which the cloud's audit log shows."""
        return environment.get(variable) or f"{self.namespace}@{self.name}"

    def _alibaba(self, environment: Environment) -> tuple[dict[str, str], str]:
        noted, provider = self.annotations.get(RRSA_ROLE), environment.get(_RRSA)
        if not noted:
            return {}, ""
        account, mark, _ = provider.partition(":oidc-provider/")
        if not mark:
            raise InvalidInputError(
                "a RAM role is noted, and no ALIBABA_CLOUD_OIDC_PROVIDER_ARN is set",
                "set it for kubelet: acs:ram::ACCOUNT:oidc-provider/ack-rrsa-CLUSTER",
            )
        role = f"{account}:role/{noted}"
        session = self._session(environment, "ALIBABA_CLOUD_ROLE_SESSION_NAME")
        variables = web_identity.alibaba(self.token, role, provider, session)
        return variables, f"the role {role}"

    def _azure(self, environment: Environment) -> tuple[dict[str, str], str]:
        noted, get = self.annotations.get, environment.get
        binding = get("DOCKCRED_ACR_BINDING_NAME")
        default = get("DOCKCRED_ACR_BINDING_CLIENT_ID") if binding else ""
        client = noted(ACR_CLIENT) or default
        if not client:
            return {}, ""
        default = get("DOCKCRED_ACR_BINDING_TENANT_ID") if binding else ""
        tenant = noted(ACR_TENANT) or default or get("AZURE_TENANT_ID")
        if not tenant:
            raise InvalidInputError(
                f"service account {self.namespace}/{self.name} names no Azure tenant",
                f"annotate it with {ACR_TENANT}, or set AZURE_TENANT_ID for kubelet",
            )
        variables = web_identity.azure(self.token, client, tenant)
        if binding:
            # The SDKs do not know a kubelet's binding: our own request must be used.
            own = (
                "DOCKCRED_ROAD",
                "AZURE_REGIONAL_AUTHORITY_NAME",
                "MSAL_FORCE_REGION",
            )
            variables |= dict.fromkeys(own, "")
        return variables, f"the application {client}"

    def _google(self, environment: Environment) -> tuple[dict[str, str], str]:
        audience = audience_of(self.annotations, environment)
        if not audience:
            return {}, ""
        account = impersonated(self.annotations, environment)
        universe = google.universe(environment)
        variables = web_identity.google(
            self.token, audience, account, ACCOUNT, universe
        )
        return variables, f"the provider {audience}"


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise TypeError("not a text")
    return value


class BoundProvider(Provider):
    """A provider whose cache keys contain the service account.

    A second account with the same role has another key. So its request reaches the
    cloud, which decides. The account alone chooses the identity: no file does.
    """

    def __init__(
        self,
        inner: Provider,
        account: ServiceAccount,
        variables: dict[str, str],
        role: str,
    ) -> None:
        """Wrap `inner`; it gets these variables. `role` is for messages, or ""."""
        self._inner = inner
        self._role = role
        self._account = account
        self._variables = variables
        self.name = inner.name
        self.program = inner.program
        self.cache_parent = inner.cache_parent
        self.cache_off = inner.cache_off
        self.ignore_storage = inner.ignore_storage
        self.tags = inner.tags
        self.sources = inner.sources

    @property
    def variables(self) -> tuple[str, ...]:
        """Return those of `inner`, KEY, and those that take an annotation's place."""
        return (*self._inner.variables, KEY, *programs.KUBELET)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Return those of `inner`."""
        return self._inner.secrets

    def matches(self, server: ServerURL) -> bool:
        """Return what `inner` returns."""
        return self._inner.matches(server)

    def serves_anonymous(self, server: ServerURL) -> bool:
        """Return what `inner` returns."""
        return self._inner.serves_anonymous(server)

    def identity(self, server: ServerURL, environment: Environment) -> Identity:
        """Return the identity of `inner` for the account."""
        asked = environment.with_values(self._variables)
        inner = self._inner.identity(server, asked)
        return _BoundIdentity(inner, self._account, self._role)


class _BoundIdentity(Identity):
    """An identity whose credential expires no later than the account's token."""

    def __init__(self, inner: Identity, account: ServiceAccount, role: str) -> None:
        self._inner = inner
        self._role = role
        self._account = account
        self.sources = inner.sources

    def issue(self) -> Credential:
        """Mint a credential; cut its expiry to the token's."""
        try:
            minted = self._inner.issue()
        except IssueError as error:
            if not self._role:
                raise  # an exchange: its error names the account already
            account = self._account
            audiences = ", ".join(map(str, account.audiences))
            raise web_identity.refusal(
                error, self._role, account.subject, audiences
            ) from None
        self.sources = self._inner.sources
        ends = self._account.expires_at
        if minted.expires_at is not None:
            ends = min(ends, minted.expires_at)
        return Credential(minted.username, minted.secret, minted.issued_at, ends)
