"""The settings of config.toml. Each stands for an environment variable.

An entry sets its variables for one registry only. So a setting needs no code of its
own: it does what its variable does, and is part of the cache key as that variable is.
"""

from __future__ import annotations

from dockcred.credential import ServerURL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    from dockcred.identity.provider import Provider
    from dockcred.system.environment import Environment

VARIABLES = {
    # AWS
    "profile": "DOCKCRED_AWS_PROFILE",  # "auto": the profile of the registry's account
    "role_arn": "DOCKCRED_AWS_ROLE_ARN",
    "external_id": "DOCKCRED_AWS_EXTERNAL_ID",
    "session_name": "AWS_ROLE_SESSION_NAME",
    "endpoint": "AWS_ENDPOINT_URL_ECR",
    # Azure
    "tenant_id": "AZURE_TENANT_ID",
    "client_id": "AZURE_CLIENT_ID",
    "object_id": "DOCKCRED_ACR_OBJECT_ID",
    "resource_id": "DOCKCRED_ACR_RESOURCE_ID",
    "credential": "AZURE_TOKEN_CREDENTIALS",
    "audience": "DOCKCRED_ACR_AUDIENCE",
    # Google
    "credentials_file": "GOOGLE_APPLICATION_CREDENTIALS",
    "service_account": "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
    "gcloud_configuration": "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "username": "DOCKCRED_GOOGLE_USERNAME",
    # GitHub
    "app_id": "GITHUB_APP_ID",
    "installation_id": "GITHUB_APP_INSTALLATION_ID",
    "private_key_file": "GITHUB_APP_PRIVATE_KEY_FILE",
    # Alibaba Cloud
    "instance_id": "DOCKER_CREDENTIAL_ACR_HELPER_INSTANCE_ID",
    # GitLab
    "gitlab_instance": "DOCKCRED_GITLAB_INSTANCE",
    # Oracle
    "oci_profile": "OCI_CLI_PROFILE",
    "oci_auth": "OCI_CLI_AUTH",
    # a CI job's token
    "token_source": "DOCKCRED_OIDC_SOURCE",
    "token_audience": "DOCKCRED_OIDC_AUDIENCE",
    "token_file": "DOCKCRED_OIDC_TOKEN_FILE",
    "token_variable": "DOCKCRED_OIDC_TOKEN_VARIABLE",
    "token_command": "DOCKCRED_OIDC_TOKEN_COMMAND",
    "service_connection": "DOCKCRED_OIDC_SERVICE_CONNECTION",
    "token_username": "DOCKCRED_OIDC_USERNAME",  # kubelet's plugin reads it too
    "exchange": "DOCKCRED_OIDC_EXCHANGE",
    "exchange_as": "DOCKCRED_OIDC_EXCHANGE_AS",
    "exchange_audience": "DOCKCRED_OIDC_EXCHANGE_AUDIENCE",
    "exchange_scope": "DOCKCRED_OIDC_EXCHANGE_SCOPE",
    "exchange_url": "DOCKCRED_OIDC_EXCHANGE_URL",
    "exchange_mapping": "DOCKCRED_OIDC_EXCHANGE_MAPPING",
    "exchange_project": "DOCKCRED_OIDC_EXCHANGE_PROJECT",
    "exchange_application": "DOCKCRED_OIDC_EXCHANGE_APPLICATION",
    "subject_token_type": "DOCKCRED_OIDC_SUBJECT_TOKEN_TYPE",
    "workload_identity_provider": "DOCKCRED_GOOGLE_AUDIENCE",
    # identity "secret": `username` beside a password setting is that password's user
    "username_command": "DOCKCRED_SECRET_USERNAME_COMMAND",
    "username_file": "DOCKCRED_SECRET_USERNAME_FILE",
    "username_variable": "DOCKCRED_SECRET_USERNAME_VARIABLE",
    "password_command": "DOCKCRED_SECRET_PASSWORD_COMMAND",
    "password_file": "DOCKCRED_SECRET_PASSWORD_FILE",
    "password_variable": "DOCKCRED_SECRET_PASSWORD_VARIABLE",
    # every cloud
    "anonymous": "DOCKCRED_ANONYMOUS",
    "login": "DOCKCRED_LOGIN",
    # stores
    "store": "DOCKCRED_STORE",
    "account": "DOCKCRED_ACCOUNT",
    "on_miss": "DOCKCRED_ON_MISS",
    # metrics for operators
    "metrics": "DOCKCRED_METRICS",
}
"""Maps each setting's name to its environment variable."""

OF_ROUTING = frozenset({"match", "registry", "identity"})
"""Settings that choose the registry and the identity; they have no variable."""

SECRET = "secret"  # noqa: S105 - an identity's name
PASSWORDS = ("password_command", "password_file", "password_variable")
USERNAMES = ("username", "username_command", "username_file", "username_variable")
"""Settings that say where the password or the user is.

An entry may have at most one of PASSWORDS and at most one of USERNAMES.
"""

COMMANDS = frozenset({"password_command", "username_command"})
"""Settings that are lists: a program and its arguments, run without a shell."""

OF_ANY_HOST = frozenset({"identity", "registry", "token_username", *PASSWORDS})
"""Settings with which a provider serves any host that the pattern matches.

Without them, a provider serves only the hosts that it knows as its own.
"""

IDENTITIES = frozenset({"oidc", "gitlab", SECRET})
"""The values of `identity`: providers without hosts of their own.

They serve only hosts that the configuration names.
"""

SHARED_DOMAINS = frozenset({"jfrog.io"})
"""Domains under which anybody can get a registry, with one more label."""

DEFAULTS = frozenset({"store", "on_miss", "login", "metrics"})
"""Settings that may also stand before all entries, as defaults for every registry."""

AWS_IDENTITIES = (
    "AWS_DEFAULT_PROFILE",
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCESS_KEY",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
"""Variables that give an AWS identity, without profiles and web identities."""

AZURE_PROOFS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_USERNAME",
    "AZURE_PASSWORD",
    "DOCKCRED_ACR_OBJECT_ID",
    "DOCKCRED_ACR_RESOURCE_ID",
)
"""Variables that prove or name an Azure identity, other than client ID and token."""

_CLIENT_HIDES = ("AZURE_CLIENT_ID", *AZURE_PROOFS)
"""Variables to hide when an entry names an Azure client or managed identity.

The proof in these variables belongs to another client. A federated token is not
hidden: several applications, also of several tenants, may trust the same subject.
"""


_FILE_HIDES = ("GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",)
_GCLOUD_HIDES = ("GOOGLE_APPLICATION_CREDENTIALS", *_FILE_HIDES)
"""Variables to hide when an entry names a Google credentials file or configuration.

They would replace that identity, or impersonate another account with it.
"""

_SECRETS_USER = "DOCKCRED_SECRET_USERNAME"
_TOKENS = ("token_source", "token_file", "token_variable", "token_command")
"""Settings that say where a job's token is. If one is set, all their variables hide."""


def overlay(settings: Mapping[str, str]) -> dict[str, str]:
    """Return the variables that an entry sets; an empty value hides a variable."""
    found = {}
    if not {"client_id", "object_id", "resource_id"}.isdisjoint(settings):
        found.update(dict.fromkeys(_CLIENT_HIDES, ""))
    if "credentials_file" in settings:
        found.update(dict.fromkeys(_FILE_HIDES, ""))
    if "gcloud_configuration" in settings:
        found.update(dict.fromkeys(_GCLOUD_HIDES, ""))
    if not settings.keys().isdisjoint(_TOKENS):
        found.update(dict.fromkeys((VARIABLES[name] for name in _TOKENS), ""))
    if is_secret := settings.get("identity") == SECRET:
        if not settings.keys().isdisjoint(PASSWORDS):
            found.update((VARIABLES[name], "") for name in PASSWORDS)
        if not settings.keys().isdisjoint(USERNAMES):
            found.update((VARIABLES[name], "") for name in USERNAMES[1:])
            found[_SECRETS_USER] = settings.get("username", "")
    found.update(
        {
            VARIABLES[name]: value
            for name, value in settings.items()
            if name in VARIABLES and not (is_secret and name == "username")
        }
    )
    if "tenant_id" in settings:
        # AZURE_TENANT_ID is only an application's tenant. For a person's login, the
        # other variable names the tenant.
        found["DOCKCRED_ACR_TENANT_ID"] = settings["tenant_id"]
    return found


def behind_alias(asked: ServerURL, registry: str) -> ServerURL:
    """Return the registry behind an alias.

    It is asked over plain http if the alias is http and not on this machine.
    """
    from dockcred.transport.target import is_loopback  # noqa: PLC0415 - an alias only

    target = ServerURL.parse(registry)
    if asked.scheme == "http" and not is_loopback(asked.host):
        target.scheme = "http"
    return target


BY_VARIABLES = ("secret", "gitlab", "oidc")
"""Providers that may be chosen by variables with names that other tools define.

Their order is the order of precedence: a password before a job's ID token.
"""

_OF_ANYBODY = frozenset({"login", "anonymous", "on_miss"})
"""Settings that do not choose an identity."""


def meant(
    providers: Iterable[Provider],
    asked: tuple[ServerURL, Environment],
    said: Collection[str],
    named: Callable[[], Iterable[str]],
) -> tuple[Provider, dict[str, str]] | None:
    """Return the first provider that variables choose for a host, and what it sets.

    `asked` is the server and the environment. `said` are the names of the settings in
    the host's own entry; an entry that chooses an identity goes first, and the result
    is then None. `named` returns the hosts that some file names.
    """
    if not _OF_ANYBODY.issuperset(said):
        return None
    found = (each.by_variables(*asked, named) for each in providers)
    return next(filter(None, found), None)
