"""Variables that choose a GitHub identity, or where its requests go."""

from __future__ import annotations

VARIABLES = (
    "GITHUB_ACTOR",
    "GITHUB_API_URL",
    "GITHUB_SERVER_URL",
    "GITHUB_APP_ID",
    "GITHUB_APP_INSTALLATION_ID",
    "GITHUB_APP_PRIVATE_KEY_FILE",
    "GH_CONFIG_DIR",
    "DOCKCRED_GITHUB_HOSTS",
)

SECRETS = (
    "GH_TOKEN",
    "GITHUB_TOKEN",
    "GH_ENTERPRISE_TOKEN",
    "GITHUB_ENTERPRISE_TOKEN",
)

MEANINGS = {
    "DOCKCRED_GITHUB_HOSTS": "Enterprise servers, separated by commas",
}
"""What our own variables mean, for the manual and the documentation."""
