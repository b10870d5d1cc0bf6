"""Variables that the SDKs read and we ignore, each with the reason.

They neither select an identity nor redirect a request. Tests compare these lists with
the installed SDKs.
"""

from __future__ import annotations

AWS = {
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
    "AWS_METADATA_SERVICE_TIMEOUT": "time-outs",
    "AWS_METADATA_SERVICE_NUM_ATTEMPTS": "retries",
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

AZURE = {
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

_NO_CLIENT_CERTIFICATE = "our own connection shows no client certificate"

GOOGLE = {
    "GOOGLE_CLOUD_PROJECT": "a registry's token is bound to no project",
    "GCLOUD_PROJECT": "a registry's token is bound to no project",
    "GOOGLE_CLOUD_QUOTA_PROJECT": "billing of API calls",
    "GCE_METADATA_DETECT_RETRIES": "our own bound holds",
    "APPENGINE_RUNTIME": "the first generation of App Engine ran Python 2.7",
    "GOOGLE_AUTH_TRUST_BOUNDARY_ENABLED": "google-auth no longer heeds it",
    "GOOGLE_SDK_EXPERIMENTAL_PYTHON_REGIONAL_ACCESS_BOUNDARY_LOOKUP_ENABLED": (
        "adds a header to API calls, of which a registry's token needs none"
    ),
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

GITLAB = {
    "GITLAB_API_HOST": "a registry's tokens are asked of the GitLab itself",
    "GITLAB_CLIENT_ID": "glab renews its login itself, and has it in its file",
    "GLAB_ENABLE_CI_AUTOLOGIN": "a job's token is used without being told",
    "GLAB_IS_OAUTH2": "GitLab takes the user oauth2 with a token of any kind",
    "GITLAB_SUBFOLDER": "a GitLab below a path is not asked what a token opens",
}

GITHUB = {
    "GH_HOST": "the host is the registry's",
    "GH_REPO": "a registry's token is bound to no repository",
    "GH_PATH": "gh is looked for on PATH only",
}

_NOT_SPOKEN = "that way to authenticate is not spoken (OCI_CLI_AUTH)"
_SDK_ALONE = "read by the SDK alone, for versions of resource principals but 2.2"
_NO_REGION = "the region is the host's"

ORACLE = {
    "OCI_CLI_REGION": _NO_REGION,
    "OCI_REGION": _NO_REGION,
    "OCI_RESOURCE_PRINCIPAL_REGION": _NO_REGION,
    "OCI_REGION_METADATA": "the realm is the host's, or the instance's own",
    "OCI_DEFAULT_REALM": "the realm is the host's, or the instance's own",
    "OCI_CLI_ENDPOINT": "the registry is the host's",
    "OCI_CLI_RC_FILE": "settings of the command line's own",
    "OCI_CLI_DELEGATION_TOKEN_FILE": _NOT_SPOKEN,
    "OCI_ALLOW_ONLY_DEVELOPER_TOOL_CONFIGURATION_REGIONS": "the realm is the host's",
    "OCI_PKCS11_LIB": _NOT_SPOKEN,
    "OCI_SDK_APPEND_USER_AGENT": "user agent",
    "OCI_RESOURCE_PRINCIPAL_RPT_ENDPOINT": _SDK_ALONE,
    "OCI_RESOURCE_PRINCIPAL_RPST_ENDPOINT": _SDK_ALONE,
    "OCI_RESOURCE_PRINCIPAL_RPT_PATH": _SDK_ALONE,
    "OCI_RESOURCE_PRINCIPAL_RPT_ID": _SDK_ALONE,
    "OCI_RESOURCE_PRINCIPAL_RESOURCE_ID": _SDK_ALONE,
    "OCI_RESOURCE_PRINCIPAL_TENANCY_ID": _SDK_ALONE,
    "OCI_RESOURCE_PRINCIPAL_SECURITY_CONTEXT": _SDK_ALONE,
}
