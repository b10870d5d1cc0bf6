"""What no child program is handed: the secrets of every cloud."""

from __future__ import annotations

from dockcred.environment import aws, azure, github, google, oidc

ALL = frozenset(
    (*aws.SECRETS, *azure.SECRETS, *google.SECRETS, *github.SECRETS, *oidc.SECRETS)
)
