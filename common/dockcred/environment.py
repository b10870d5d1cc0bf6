"""Every variable that the suite reads, named once; the only reader of os.environ.

Two kinds go into a cache key: SELECTING variables by value, since they choose the
identity or the place a request goes to, and SECRET ones only by being set or not.
IGNORED ones are known to the SDKs and change neither, each with the reason; a test
holds the three lists against the SDKs that are installed.
"""

from __future__ import annotations

import os

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

DEFAULT_TIMEOUT_S = 8.0

OURS = (
    "DOCKCRED_TIMEOUT",
    "DOCKCRED_LOG",
    "DOCKCRED_CACHE",
    "DOCKCRED_CACHE_DIR",
    "DOCKCRED_REFRESH",
    "DOCKCRED_ON_MISS",
    "DOCKCRED_ANONYMOUS",
    "DOCKCRED_LOGIN",
    "DOCKCRED_INSIDE",
)
"""Of ours, and without a say in who one is."""

COMMON = (
    "HOME",
    "DOCKCRED_CONFIG",
    "DOCKCRED_ROAD",
    "HTTPS_PROXY",
    "https_proxy",
    "HTTP_PROXY",
    "http_proxy",
    "ALL_PROXY",
    "all_proxy",
    "NO_PROXY",
    "no_proxy",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
)
"""Select for every cloud: the road, the way through proxies, and whom to trust."""

AWS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_ACCESS_KEY",
    "AWS_PROFILE",
    "AWS_DEFAULT_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
    "AWS_EC2_METADATA_DISABLED",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT",
    "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE",
    "AWS_EC2_METADATA_V1_DISABLED",
    "AWS_IMDS_USE_IPV6",
    "AWS_LOGIN_CACHE_DIRECTORY",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_ECR_PUBLIC",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ENDPOINT_URL_SSO",
    "AWS_ENDPOINT_URL_SSO_OIDC",
    "AWS_ENDPOINT_URL_SIGNIN",
    "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
    "AWS_USE_FIPS_ENDPOINT",
    "AWS_USE_DUALSTACK_ENDPOINT",
    "AWS_STS_REGIONAL_ENDPOINTS",
    "AWS_CA_BUNDLE",
    "AWS_DATA_PATH",
    "DOCKCRED_AWS_PROFILE",
    "DOCKCRED_AWS_ROLE_ARN",
    "DOCKCRED_AWS_EXTERNAL_ID",
    "BOTOCORE_EXPERIMENTAL__PLUGINS",
)

AWS_SECRET = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SECRET_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN",
)

AWS_IGNORED = {
    "AWS_REGION": "the region is the host's",
    "AWS_DEFAULT_REGION": "the region is the host's",
    "AWS_SIGV4A_SIGNING_REGION_SET": "ECR and STS are signed with SigV4",
    "AWS_AUTH_SCHEME_PREFERENCE": "ECR and STS have one scheme",
    "AWS_ACCOUNT_ID": "the account is the host's",
    "AWS_ACCOUNT_ID_ENDPOINT_MODE": "ECR and STS have no account endpoints",
    "AWS_CREDENTIAL_EXPIRATION": "tells when env keys end, not whose they are",
    "AWS_CREDENTIAL_FILE": "boto 2's file is not read (README, dropped)",
    "BOTO_CONFIG": "boto 2's file is not read (README, dropped)",
    "AWS_CSM_ENABLED": "client-side monitoring",
    "AWS_CSM_HOST": "client-side monitoring",
    "AWS_CSM_PORT": "client-side monitoring",
    "AWS_CSM_CLIENT_ID": "client-side monitoring",
    "AWS_DEFAULTS_MODE": "time-outs and retries",
    "AWS_RETRY_MODE": "retries",
    "AWS_MAX_ATTEMPTS": "retries",
    "AWS_METADATA_SERVICE_TIMEOUT": "our own bound holds",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "our own bound holds",
    "AWS_DISABLE_HOST_PREFIX_INJECTION": "ECR and STS have no host prefixes",
    "AWS_ENDPOINT_DISCOVERY_ENABLED": "ECR and STS have none",
    "AWS_DISABLE_REQUEST_COMPRESSION": "the body's coding",
    "AWS_REQUEST_MIN_COMPRESSION_SIZE_BYTES": "the body's coding",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "the body's coding",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "the body's coding",
    "AWS_EXECUTION_ENV": "user agent",
    "AWS_LAMBDA_FUNCTION_NAME": "user agent",
    "AWS_SDK_UA_APP_ID": "user agent",
    "AWS_S3_DISABLE_EXPRESS_SESSION_AUTH": "S3 only",
    "AWS_S3_DISABLE_MULTIREGION_ACCESS_POINTS": "S3 only",
    "AWS_S3_USE_ARN_REGION": "S3 only",
    "AWS_S3_US_EAST_1_REGIONAL_ENDPOINT": "S3 only",
    "BOTO_DISABLE_CRT": "S3 transfers",
    "BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER": "a header to the proxy",
    "BOTO_EXPERIMENTAL__NO_EMPTY_CONTINUE": "the body's coding",
    "BOTOCORE_TCP_KEEPALIVE": "the socket's options",
}

AZURE = (
    "AZURE_TENANT_ID",
    "AZURE_CLIENT_ID",
    "AZURE_CLIENT_CERTIFICATE_PATH",
    "AZURE_CLIENT_SEND_CERTIFICATE_CHAIN",
    "AZURE_USERNAME",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_TOKEN_CREDENTIALS",
    "AZURE_AUTHORITY_HOST",
    "AZURE_REGIONAL_AUTHORITY_NAME",
    "AZURE_POD_IDENTITY_AUTHORITY_HOST",
    "AZURE_IDENTITY_DISABLE_MULTITENANTAUTH",
    "AZURE_CONFIG_DIR",
    "AZURE_CLOUD_NAME",
    "AZD_CONFIG_DIR",
    "IDENTITY_ENDPOINT",
    "IDENTITY_SERVER_THUMBPRINT",
    "IMDS_ENDPOINT",
    "MSI_ENDPOINT",
    "MSAL_FORCE_REGION",
    "REGION_NAME",
    "DOCKCRED_ACR_SUFFIXES",
    "DOCKCRED_ACR_AUDIENCE",
    "DOCKCRED_ACR_OBJECT_ID",
    "DOCKCRED_ACR_RESOURCE_ID",
)

AZURE_SECRET = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_PASSWORD",
    "IDENTITY_HEADER",
    "MSI_SECRET",
)

AZURE_IGNORED = {
    "AZURE_KUBERNETES_TOKEN_PROXY": "identity bindings are not used (README)",
    "AZURE_KUBERNETES_SNI_NAME": "identity bindings are not used (README)",
    "AZURE_KUBERNETES_CA_FILE": "identity bindings are not used (README)",
    "AZURE_KUBERNETES_CA_DATA": "identity bindings are not used (README)",
    "SYSTEM_OIDCREQUESTURI": "Azure Pipelines' credential is not in the chain",
    "AZURE_HTTP_USER_AGENT": "user agent",
    "AZURE_SDK_LOGGING_MULTIRECORD": "logging",
    "AZURE_LOG_LEVEL": "logging",
    "AZURE_TRACING_ENABLED": "tracing",
    "AZURE_SDK_TRACING_IMPLEMENTATION": "tracing",
    "AZURE_SDK_CLOUD_CONF": "management clients only; the cloud is the host's",
    "AZUREPS_HOST_ENVIRONMENT": "MSAL's own Cloud Shell road, which is not taken",
    "CLIENT_ID": "MSAL's test program",
    "CLIENT_SECRET": "MSAL's test program",
    "BROWSER": "no browser is opened",
    "LOCALAPPDATA": "Windows",
    "PROGRAMDATA": "Windows",
    "SYSTEMROOT": "Windows",
}
GOOGLE = (
    "GOOGLE_APPLICATION_CREDENTIALS",
    "GOOGLE_IMPERSONATE_SERVICE_ACCOUNT",
    "DOCKCRED_GOOGLE_USERNAME",
    "DOCKCRED_GOOGLE_HOSTS",
    "GOOGLE_EXTERNAL_ACCOUNT_ALLOW_EXECUTABLES",
    "GCE_METADATA_HOST",
    "GCE_METADATA_ROOT",
    "GCE_METADATA_IP",
    "GCE_METADATA_MTLS_MODE",
    "NO_GCE_CHECK",
    "CLOUDSDK_CONFIG",
    "CLOUDSDK_ACTIVE_CONFIG_NAME",
    "CLOUDSDK_CORE_ACCOUNT",
    "CLOUDSDK_CORE_UNIVERSE_DOMAIN",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "CLOUDSDK_AUTH_ACCESS_TOKEN_FILE",
    "CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE",
    "CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT",
    "CLOUDSDK_AUTH_TOKEN_HOST",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_IAMCREDENTIALS",
    "CLOUDSDK_API_ENDPOINT_OVERRIDES_STS",
    "CLOUDSDK_PROXY_TYPE",
    "CLOUDSDK_PROXY_ADDRESS",
    "CLOUDSDK_PROXY_PORT",
    # An external account of the kind aws signs with these.
    "AWS_ACCESS_KEY_ID",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
)

GOOGLE_SECRET = (
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "CLOUDSDK_PROXY_USERNAME",
    "CLOUDSDK_PROXY_PASSWORD",
)

_NO_CLIENT_CERTIFICATE = "our own connection shows no client certificate"
GOOGLE_IGNORED = {
    "GOOGLE_CLOUD_PROJECT": "a registry's token is bound to no project",
    "GCLOUD_PROJECT": "a registry's token is bound to no project",
    "GOOGLE_CLOUD_QUOTA_PROJECT": "billing of API calls",
    "GCE_METADATA_TIMEOUT": "our own bound holds",
    "GCE_METADATA_DETECT_RETRIES": "our own bound holds",
    "APPENGINE_RUNTIME": "the first generation of App Engine ran Python 2.7",
    "GOOGLE_AUTH_TRUST_BOUNDARY_ENABLED": "google-auth no longer heeds it",
    "GOOGLE_API_USE_CLIENT_CERTIFICATE": _NO_CLIENT_CERTIFICATE,
    "GOOGLE_API_USE_MTLS_ENDPOINT": _NO_CLIENT_CERTIFICATE,
    "GOOGLE_API_CERTIFICATE_CONFIG": _NO_CLIENT_CERTIFICATE,
    "CLOUDSDK_CONTEXT_AWARE_USE_CLIENT_CERTIFICATE": _NO_CLIENT_CERTIFICATE,
    "CLOUDSDK_CONTEXT_AWARE_CERTIFICATE_CONFIG_FILE_PATH": _NO_CLIENT_CERTIFICATE,
    "GOOGLE_API_ENABLE_RUNTIME_BOUND_TOKEN": _NO_CLIENT_CERTIFICATE,
    "GOOGLE_API_PREVENT_AGENT_TOKEN_SHARING_FOR_GCP_SERVICES": _NO_CLIENT_CERTIFICATE,
    "GOOGLE_EXTERNAL_ACCOUNT_REVOKE": "set by google-auth for its child program",
    "GOOGLE_EXTERNAL_ACCOUNT_AUDIENCE": "set by google-auth for its child program",
    "GOOGLE_EXTERNAL_ACCOUNT_TOKEN_TYPE": "set by google-auth for its child program",
    "GOOGLE_EXTERNAL_ACCOUNT_ID": "set by google-auth for its child program",
    "GOOGLE_EXTERNAL_ACCOUNT_IMPERSONATED_EMAIL": "set by google-auth for its child",
    "GOOGLE_EXTERNAL_ACCOUNT_INTERACTIVE": "set by google-auth for its child program",
    "GOOGLE_EXTERNAL_ACCOUNT_OUTPUT_FILE": "set by google-auth for its child program",
    "GOOGLE_AUTH_WEBAUTHN_PLUGIN": "a helper has no terminal to touch a key at",
    "APPDATA": "Windows",
    "SystemDrive": "Windows",
    "DOCKER_CREDENTIAL_GCR_CONFIG": "gcr's own file is not read (README, dropped)",
    "DOCKER_CREDENTIAL_GCR_STORE": "gcr's own login is not read (README, dropped)",
}

GITHUB = (
    "GITHUB_ACTOR",
    "GITHUB_API_URL",
    "GITHUB_SERVER_URL",
    "GITHUB_APP_ID",
    "GITHUB_APP_INSTALLATION_ID",
    "GITHUB_APP_PRIVATE_KEY_FILE",
    "GH_CONFIG_DIR",
    "XDG_CONFIG_HOME",
    "DOCKCRED_GITHUB_HOSTS",
)

GITHUB_SECRET = (
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
)

GITHUB_IGNORED = {
    "GH_HOST": "the host is the registry's",
    "GH_REPO": "a registry's token is bound to no repository",
    "GH_PATH": "gh is looked for on PATH only",
}

KUBELET = (
    "AWS_ECR_ROLE_ARN",
    "DOCKCRED_GOOGLE_AUDIENCE",
    "DOCKCRED_GOOGLE_PROJECT",
    "DOCKCRED_GOOGLE_IDENTITY_PROVIDER",
    "DOCKCRED_GOOGLE_SERVICE_ACCOUNT",
)
"""Select whom a pod's service account token is exchanged for, where no annotation
says so; read by kubelet's plugin alone."""

KEYCHAIN = (
    "DOCKCRED_STORE",
    "DOCKCRED_ACCOUNT",
    "DOCKCRED_ALLOW_INSECURE",
    "DOCKCRED_VAULT_FILE",
    "DOCKCRED_VAULT_KEY_FILE",
    "DOCKCRED_VAULT_PASSPHRASE_FILE",
    "CREDENTIALS_DIRECTORY",
    "XDG_DATA_HOME",
    "XDG_CONFIG_HOME",
    "XDG_RUNTIME_DIR",
    "PYTHON_KEYRING_BACKEND",
    "LOCALAPPDATA",
    "DBUS_SESSION_BUS_ADDRESS",
    "DISPLAY",
    "WAYLAND_DISPLAY",
)
"""Select the keychain store's backend, and the way to it."""

PASS = (
    "PASSWORD_STORE_DIR",
    "PASSWORD_STORE_KEY",
    "PASSWORD_STORE_GPG_OPTS",
    "PASSWORD_STORE_UMASK",
    "PASSWORD_STORE_SIGNING_KEY",
    "GNUPGHOME",
    "GPG_TTY",
    "GPG_AGENT_INFO",
    "SSH_AUTH_SOCK",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "DBUS_SESSION_BUS_ADDRESS",
    "XDG_RUNTIME_DIR",
    "TERM",
)
"""Passed on to `pass` and gpg, beside HOME and PATH; nothing else is."""

CLIENT_FILES = ("DOCKER_CONFIG", "REGISTRY_AUTH_FILE", "XDG_RUNTIME_DIR")
"""Where docker and podman keep their configuration, to import from it."""

SECRET = frozenset((*AWS_SECRET, *AZURE_SECRET, *GOOGLE_SECRET, *GITHUB_SECRET))
"""What no child program is handed."""


class Environment:
    """The variables of one call; one that is set but empty counts as not set."""

    __slots__ = ("_variables",)

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables

    def get(self, name: str, default: str = "") -> str:
        """Answer the value, or the default where it is empty or not set."""
        return self._variables.get(name) or default

    def set_values(self) -> dict[str, str]:
        """Answer all variables but the empty ones."""
        return {name: value for name, value in self._variables.items() if value}

    def with_values(self, variables: Mapping[str, str]) -> Environment:
        """Answer the environment with some variables set, or hidden by nothing."""
        return Environment({**self._variables, **variables})

    def raw(self, name: str) -> str | None:
        """Answer the value as it is, None only where the variable is not set."""
        return self._variables.get(name)

    def first(self, *names: str) -> str:
        """Answer the first of these that is set, or nothing."""
        for name in names:
            if value := self._variables.get(name):
                return value
        return ""

    def is_on(self, name: str) -> bool:
        """Tell whether a switch says yes, as the SDKs read it."""
        return self.get(name).lower() in {"true", "1", "on", "yes"}

    def home(self) -> str:
        """Answer the home directory, from the password database where HOME is not set.

        Nothing where neither knows one: agents run without both.
        """
        if home := self.get("HOME"):
            return home
        try:
            import pwd  # noqa: PLC0415 - only without HOME

            return pwd.getpwuid(os.geteuid()).pw_dir
        except (ImportError, KeyError):
            return ""

    def path(self, name: str, below_home: str) -> str:
        """Answer the file that a variable names, or the one below the home."""
        named = self.get(name)
        if named.startswith("~/"):
            named = self.home() + named[1:]
        if named:
            return named
        home = self.home()
        return f"{home}/{below_home}" if home else ""

    def without_secrets(self) -> dict[str, str]:
        """Answer the variables for a child program: all but the secret ones."""
        return {n: v for n, v in self._variables.items() if n not in SECRET}


def current() -> Environment:
    """Take the process's own variables, as they are now."""
    return Environment(dict(os.environ))


def adopt(variables: Mapping[str, str]) -> None:
    """Set variables for an SDK that reads the process's own."""
    os.environ.update(variables)


def become(environment: Environment) -> None:
    """Make the process's variables those of an environment, for an SDK that reads them.

    What is set but empty is left out: SDKs take it for a value.
    """
    os.environ.clear()
    os.environ.update(environment.set_values())


def timeout_s(variables: Environment, default_s: float = DEFAULT_TIMEOUT_S) -> float:
    """Answer the bound on one whole call, in seconds.

    Raises InvalidInputError where DOCKCRED_TIMEOUT is not a number above zero.
    """
    text = variables.get("DOCKCRED_TIMEOUT")
    try:
        seconds = float(text) if text else default_s
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= 3600:  # noqa: PLR2004 - an hour; also refuses nan and inf
        raise InvalidInputError(
            "DOCKCRED_TIMEOUT is not a number of seconds", "set it between 0.1 and 3600"
        )
    return seconds
