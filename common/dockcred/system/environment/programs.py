"""Variables for keychains, kubelet's plugin and the token service."""

from __future__ import annotations

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
"""These choose the keychain store's backend, and how it is reached."""

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
"""Only these are passed on to `pass` and gpg, beside HOME and PATH."""

KEYCHAIN_MEANINGS = {
    "DOCKCRED_STORE": "where logins are kept: secretservice, pass, vault, … or "
    "helper:NAME",
    "DOCKCRED_ACCOUNT": "a second set of logins for the same registries",
    "DOCKCRED_ALLOW_INSECURE": "1: keep logins in a keyring that does not encrypt",
    "DOCKCRED_VAULT_FILE": "the vault; ~/.local/share/dockcred/vault without it",
    "DOCKCRED_VAULT_KEY_FILE": "a file with the vault's key",
    "DOCKCRED_VAULT_PASSPHRASE_FILE": "a file with the vault's passphrase",
}
"""What our own variables mean, for the manual and the documentation."""

KUBELET = (
    "AWS_ECR_ROLE_ARN",
    "DOCKCRED_GOOGLE_AUDIENCE",
    "DOCKCRED_GOOGLE_PROJECT",
    "DOCKCRED_GOOGLE_IDENTITY_PROVIDER",
    "DOCKCRED_GOOGLE_SERVICE_ACCOUNT",
    "DOCKCRED_ACR_BINDING_CLIENT_ID",
    "DOCKCRED_ACR_BINDING_TENANT_ID",
)
"""Used if no annotation says otherwise; only kubelet's plugin reads them."""

KUBELET_MEANINGS = {
    "DOCKCRED_GOOGLE_AUDIENCE": "the workload identity pool's provider, in full",
    "DOCKCRED_GOOGLE_PROJECT": "the cluster's project",
    "DOCKCRED_GOOGLE_IDENTITY_PROVIDER": "the cluster, as its pool's provider",
    "DOCKCRED_GOOGLE_SERVICE_ACCOUNT": "the account to impersonate",
    "DOCKCRED_ACR_BINDING_CLIENT_ID": "with an AKS identity binding: the identity of "
    "accounts that name none",
    "DOCKCRED_ACR_BINDING_TENANT_ID": "its tenant",
}
"""What our own variables mean, for the manual and the documentation."""

TOKEN_SERVICE = (
    "TOKEN_URL",
    "CLIENT_ID",
    "SCOPE",
    "PASS_JWT_USERNAME",
    "ANON_USERNAME",
    "ANON_KUBE_JWT",
)

SECRETS = ("ANON_PASSWORD",)

DROPPED = {
    "SESSION_KEY": "nothing is kept in a cookie",
    "LOG_LEVEL": "DOCKCRED_LOG says the level",
}
