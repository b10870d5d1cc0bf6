"""What our own variables mean, for the manual and the documentation."""

from __future__ import annotations

OURS = {
    "DOCKCRED_CONFIG": "the configuration file, alone",
    "DOCKCRED_TIMEOUT": "seconds for one whole call; 8 without it",
    "DOCKCRED_CACHE": "off: no cache",
    "DOCKCRED_CACHE_DIR": "where the cache is; else $XDG_CACHE_HOME/dockcred, "
    "~/.cache/dockcred",
    "DOCKCRED_REFRESH": "off: no refresh in the background; also off where CI is set",
    "DOCKCRED_ROAD": "direct or sdk: force our own requests or the SDK",
    "DOCKCRED_ON_MISS": "empty: answer a miss with an empty credential, as Nomad needs",
    "DOCKCRED_ANONYMOUS": "true or false: whether no identity means going on "
    "anonymously",
    "DOCKCRED_LOGIN": "what docker login to a cloud does: identity, store or refuse",
    "DOCKCRED_LOG": "debug, info or warning, on stderr; never a secret",
    "DOCKCRED_INSIDE": "set by docker-credential-auto for the helper that it asks, so "
    "that two do not ask each other in turn",
}
"""Those that mean the same to every program."""

AWS = {
    "DOCKCRED_AWS_PROFILE": "the profile; auto: that of the registry's account",
    "DOCKCRED_AWS_ROLE_ARN": "the role to assume",
    "DOCKCRED_AWS_EXTERNAL_ID": "what that role's trust policy asks for",
}

AZURE = {
    "DOCKCRED_ACR_SUFFIXES": "further suffixes of registries, separated by commas",
    "DOCKCRED_ACR_AUDIENCE": "whom the token from Entra is for",
    "DOCKCRED_ACR_OBJECT_ID": "a user-assigned identity, by its object id",
    "DOCKCRED_ACR_RESOURCE_ID": "a user-assigned identity, by its resource id",
}

GOOGLE = {
    "DOCKCRED_GOOGLE_HOSTS": "further hosts, by patterns separated by commas",
    "DOCKCRED_GOOGLE_USERNAME": "the user name; oauth2accesstoken without it",
}

GITHUB = {
    "DOCKCRED_GITHUB_HOSTS": "Enterprise servers, separated by commas",
}

OIDC = {
    "DOCKCRED_OIDC_HOSTS": "the hosts that get a job's token, separated by commas",
    "DOCKCRED_OIDC_AUDIENCE": "whom the job's token is for; nothing without it",
    "DOCKCRED_OIDC_SOURCE": "where the token comes from, by name; found without it",
    "DOCKCRED_OIDC_TOKEN_FILE": "a file with the token, by its absolute path",
    "DOCKCRED_OIDC_TOKEN_VARIABLE": "the variable that holds the token",
    "DOCKCRED_OIDC_TOKEN_COMMAND": "a program that prints the token, by its absolute "
    "path, with its arguments",
    "DOCKCRED_OIDC_SERVICE_CONNECTION": "Azure Pipelines' service connection, by id",
    "DOCKCRED_OIDC_USERNAME": "the user name; JWT without it",
    "DOCKCRED_OIDC_EXCHANGE": "who gives a password for the token: docker-hub, quay, "
    "chainguard, aws, azure, google or an RFC 8693 endpoint's URL",
    "DOCKCRED_OIDC_EXCHANGE_AS": "who one is there: a connection, robot, identity or "
    "client",
    "DOCKCRED_OIDC_EXCHANGE_AUDIENCE": "the audience to ask an RFC 8693 endpoint for",
    "DOCKCRED_OIDC_EXCHANGE_SCOPE": "the scope to ask it for",
    "DOCKCRED_OIDC_SUBJECT_TOKEN_TYPE": "what it takes the token for; an ID token "
    "without it",
}

KEYCHAIN = {
    "DOCKCRED_STORE": "where logins are kept: secretservice, pass, vault, … or "
    "helper:NAME",
    "DOCKCRED_ACCOUNT": "a second set of logins for the same registries",
    "DOCKCRED_ALLOW_INSECURE": "1: keep logins in a keyring that does not encrypt",
    "DOCKCRED_VAULT_FILE": "the vault; ~/.local/share/dockcred/vault without it",
    "DOCKCRED_VAULT_KEY_FILE": "a file with the vault's key",
    "DOCKCRED_VAULT_PASSPHRASE_FILE": "a file with the vault's passphrase",
}

KUBELET = {
    "DOCKCRED_GOOGLE_AUDIENCE": "the workload identity pool's provider, in full",
    "DOCKCRED_GOOGLE_PROJECT": "the cluster's project",
    "DOCKCRED_GOOGLE_IDENTITY_PROVIDER": "the cluster, as its pool's provider",
    "DOCKCRED_GOOGLE_SERVICE_ACCOUNT": "the account to impersonate",
}

ALL = OURS | AWS | AZURE | GOOGLE | GITHUB | OIDC | KEYCHAIN | KUBELET
