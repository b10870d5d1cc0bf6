"""What selects whom a pod's service account token is exchanged for."""

from __future__ import annotations

VARIABLES = (
    "AWS_ECR_ROLE_ARN",
    "DOCKCRED_GOOGLE_AUDIENCE",
    "DOCKCRED_GOOGLE_PROJECT",
    "DOCKCRED_GOOGLE_IDENTITY_PROVIDER",
    "DOCKCRED_GOOGLE_SERVICE_ACCOUNT",
)
"""Where no annotation says so; read by kubelet's plugin alone."""

MEANINGS = {
    "DOCKCRED_GOOGLE_AUDIENCE": "the workload identity pool's provider, in full",
    "DOCKCRED_GOOGLE_PROJECT": "the cluster's project",
    "DOCKCRED_GOOGLE_IDENTITY_PROVIDER": "the cluster, as its pool's provider",
    "DOCKCRED_GOOGLE_SERVICE_ACCOUNT": "the account to impersonate",
}
"""What our own variables mean, for the manual and the documentation."""
