"""Identities that a machine, a task or a pod has."""

from __future__ import annotations

from dockcred.testing.sandbox.aws import container, sts
from dockcred.testing.sandbox.aws.workplace import NO_METADATA, Variables, Workplace


def web_identity(work: Workplace) -> Variables:
    """Show STS a pod's identity token, kept in a file (IRSA)."""
    subject = "system:serviceaccount:default:web-identity"
    role = work.role("web-identity", trusts=subject)
    return NO_METADATA | {
        "AWS_ROLE_ARN": role.arn,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(work.identity_token(subject, sts.AUDIENCE)),
    }


def container_relative(work: Workplace) -> Variables:
    """Use an ECS task's role.

    By its full URI: the SDKs look for a relative one on 169.254.170.2 only.
    """
    path = work.aws.container.task_path
    return NO_METADATA | {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{work.url}{path}"}


def pod_identity(work: Workplace) -> Variables:
    """Show an agent a pod's token, kept in a file (EKS pod identity)."""
    subject = "system:serviceaccount:default:pod-identity"
    token = work.identity_token(subject, container.AUDIENCE)
    return NO_METADATA | {
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{work.url}{container.POD_PATH}",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token),
    }


def instance_profile(work: Workplace) -> Variables:
    """Use an EC2 instance's role, from its metadata server."""
    return {"AWS_EC2_METADATA_SERVICE_ENDPOINT": work.url}


def nothing(work: Workplace) -> Variables:  # noqa: ARG001 - it leaves nothing there
    """Have no identity at all."""
    return NO_METADATA
