"""CredentialProviderConfigs; whether kubelet starts with each; our message about it."""

from __future__ import annotations

import json


def provider(**more: object) -> str:
    """Return a configuration with one provider; a field that is None is left out."""
    fields = {
        "name": "x",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
        "matchImages": ["*.example"],
        "defaultCacheDuration": "1h30m",
        **more,
    }
    kept = {name: value for name, value in fields.items() if value is not None}
    return kubelet_config(providers=[kept])


def kubelet_config(**more: object) -> str:
    head = {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
    }
    return json.dumps(head | more)


ONE = json.loads(provider())["providers"][0]

VECTORS = [
    (provider(), True, "providers[0]: x"),
    (provider(env=[{"name": "A", "value": "b"}], args=["c"]), True, "providers[0]: x"),
    (provider(defaultCacheDuration="0s"), True, "providers[0]: x"),
    (provider(defaultCacheDuration="1.5h"), True, "providers[0]: x"),
    (provider(defaultCacheDuration="1d"), False, "no duration of Go's"),
    (provider(defaultCacheDuration="-1s"), False, "no duration of Go's"),
    (provider(defaultCacheDuration=3600), False, "defaultCacheDuration is no str"),
    (provider(defaultCacheDuration=None), False, "defaultCacheDuration is not there"),
    (provider(matchImages=[]), False, "matchImages is not there"),
    (provider(matchImages="*.example"), False, "matchImages is no list"),
    (provider(name="a/b"), False, "no file's name"),
    (provider(name="a b"), False, "no file's name"),
    (provider(name=".."), False, "no file's name"),
    (provider(apiVersion="v1"), False, "none of kubelet's"),
    (provider(matchimages=["x"]), False, "providers[0].matchimages is unknown"),
    (provider(command="x"), False, "providers[0].command is unknown"),
    (kubelet_config(providers=[ONE, ONE]), False, "another's name"),
    (kubelet_config(providers=[]), False, "it names no provider"),
    (kubelet_config(), False, "it names no provider"),
    (kubelet_config(providers=[ONE], more=1), False, "more is unknown"),
    (json.dumps({"kind": "Pod", "apiVersion": "v1"}), False, "no CredentialProvider"),
]
