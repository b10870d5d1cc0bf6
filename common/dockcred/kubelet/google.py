"""A service account's token for one of Google's: the pools, and the account to become.

cloud.google.com/iam/docs/workload-identity-federation-with-kubernetes. The forms of
auth-provider-gcp (github.com/kubernetes/cloud-provider-gcp) for a GKE cluster's own
pool, and ours for any other pool.
"""

from __future__ import annotations

from dockcred.errors import InvalidInputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

    from dockcred.environment import Environment

ENABLED = "iam.gke.io/enable-wi-image-pull"
ACCOUNT = "iam.gke.io/gcp-service-account"
AUDIENCE = "dockcred/google-audience"


def audience(annotations: Mapping[str, str], environment: Environment) -> str:
    """Answer the pool's provider that the token is exchanged with, or nothing.

    One named on the account or for all; else the cluster's own pool, for an account
    that asks for it.
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
    """Answer the service account to become, or nothing."""
    named = annotations.get(ACCOUNT)
    return named or environment.get("DOCKCRED_GOOGLE_SERVICE_ACCOUNT")
