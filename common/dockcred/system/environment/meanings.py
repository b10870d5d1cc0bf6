"""What our own variables mean, and which of all variables hold secrets."""

from __future__ import annotations

from dockcred.system.environment import (
    alibaba,
    aws,
    azure,
    github,
    gitlab,
    google,
    oidc,
    oracle,
    programs,
    secret,
)

CLOUDS = (
    aws,
    azure,
    google,
    alibaba,
    github,
    gitlab,
    oracle,
    oidc,
    secret,
)
"""The module of each identity system: its VARIABLES, SECRETS and MEANINGS."""

SECRETS = frozenset(name for cloud in CLOUDS for name in cloud.SECRETS)

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
    "anonymously; with true, a login that has ended too",
    "DOCKCRED_FLEET": "how many nodes may boot at once, for those that are throttled "
    "then: rather too many than too few",
    "DOCKCRED_LOGIN": "what docker login to a cloud does: identity, store or refuse",
    "DOCKCRED_LOG": "debug, info or warning, on stderr; never a secret",
    "DOCKCRED_METRICS": "the directory of node_exporter's textfile collector, in which "
    "requests are counted",
    "DOCKCRED_CHILD_VARIABLES": "further variables for the programs that are asked on "
    "our behalf, by name or by its start as VAULT_*, separated by commas",
    "DOCKCRED_FORWARD": "the socket of a dockcred forward, which then answers for all"
    " registries: no identity, keychain or cache of this machine is asked",
    "DOCKCRED_INSIDE": "set by docker-credential-auto for the helper that it asks, so "
    "that two do not ask each other in turn",
}
"""The variables that mean the same to every program of ours."""

ALL = (
    OURS
    | {name: cloud.MEANINGS[name] for cloud in CLOUDS for name in cloud.MEANINGS}
    | programs.KEYCHAIN_MEANINGS
    | programs.KUBELET_MEANINGS
)
