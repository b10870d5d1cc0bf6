"""Variables that choose an Azure identity, or where its requests go."""

from __future__ import annotations

VARIABLES = (
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
    "DOCKCRED_ACR_TENANT_ID",
    "DOCKCRED_ACR_BINDING_NAME",
    "DOCKCRED_ACR_BINDING_ADDRESS",
    "DOCKCRED_ACR_BINDING_CA",
)

SECRETS = (
    "AZURE_CLIENT_SECRET",
    "AZURE_CLIENT_CERTIFICATE_PASSWORD",
    "AZURE_PASSWORD",
    "IDENTITY_HEADER",
    "MSI_SECRET",
)

MEANINGS = {
    "DOCKCRED_ACR_SUFFIXES": "further suffixes of registries, separated by commas",
    "DOCKCRED_ACR_AUDIENCE": "whom the token from Entra is for",
    "DOCKCRED_ACR_OBJECT_ID": "a user-assigned identity, by its object id",
    "DOCKCRED_ACR_RESOURCE_ID": "a user-assigned identity, by its resource id",
    "DOCKCRED_ACR_TENANT_ID": "the tenant for which az, pwsh and azd are asked",
    "DOCKCRED_ACR_BINDING_NAME": "AKS identity bindings: whom the API server is asked "
    "as, in Entra's place",
    "DOCKCRED_ACR_BINDING_ADDRESS": "the API server's address or host name",
    "DOCKCRED_ACR_BINDING_CA": "its authority; /etc/kubernetes/certs/ca.crt without it",
}
"""What our own variables mean, for the manual and the documentation."""
