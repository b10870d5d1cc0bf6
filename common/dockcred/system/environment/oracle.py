"""Variables that choose an Oracle identity, or where its requests go.

OCI_CLI_* are those of Oracle's command line; its SDK reads the others.
"""

from __future__ import annotations

VARIABLES = (
    "OCI_CLI_AUTH",
    "OCI_CLI_CONFIG_FILE",
    "OCI_CONFIG_FILE",
    "OCI_CLI_PROFILE",
    "OCI_CLI_USER",
    "OCI_CLI_TENANCY",
    "OCI_CLI_FINGERPRINT",
    "OCI_CLI_KEY_FILE",
    "OCI_CLI_SECURITY_TOKEN_FILE",
    "OCI_CLI_CERT_BUNDLE",
    "OCI_CLI_FEDERATION_ENDPOINT",
    "OCI_METADATA_BASE_URL",
    "OCI_RESOURCE_PRINCIPAL_VERSION",
    "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_PATH",
    "OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH",
    "KUBERNETES_SERVICE_HOST",
)

SECRETS = (
    "OCI_CLI_KEY_CONTENT",
    "OCI_CLI_PASSPHRASE",
    # Each holds a secret, or the path of a file with one.
    "OCI_RESOURCE_PRINCIPAL_RPST",
    "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM",
    "OCI_RESOURCE_PRINCIPAL_PRIVATE_PEM_PASSPHRASE",
    "OCI_KUBERNETES_SERVICE_ACCOUNT_TOKEN_STRING",
)

MEANINGS = dict[str, str]()
"""What our own variables mean, for the manual and the documentation: there are none."""
