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
