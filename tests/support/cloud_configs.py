"""Kubelet's CredentialProviderConfigs as clouds and people write them.

For the tests of the code that edits such files.
"""

from __future__ import annotations

EKS = """\
{
  "apiVersion": "kubelet.config.k8s.io/v1",
  "kind": "CredentialProviderConfig",
  "providers": [
    {
      "name": "ecr-credential-provider",
      "matchImages": [
        "*.dkr.ecr.*.amazonaws.com",
        "*.dkr.ecr.*.amazonaws.com.cn"
      ],
      "defaultCacheDuration": "12h",
      "apiVersion": "credentialprovider.kubelet.k8s.io/v1"
    }
  ]
}
"""
AKS = """\
kind: CredentialProviderConfig
apiVersion: kubelet.config.k8s.io/v1
providers:
- name: acr-credential-provider
  apiVersion: credentialprovider.kubelet.k8s.io/v1
  defaultCacheDuration: 10m
  matchImages:
  - "*.azurecr.io"   # the public cloud
  - "*.azurecr.cn"
  args:
  - /etc/kubernetes/azure.json
"""
PEOPLE = """\
# ours
apiVersion: kubelet.config.k8s.io/v1
providers: # two of them

  # first
  - apiVersion: credentialprovider.kubelet.k8s.io/v1
    env:
      - value: "- name: x"
        name: dockcred-credential-provider
    name: "one"
    matchImages: [one.example]
    defaultCacheDuration: 0s
  # second
  -   name: 'two'
      apiVersion: credentialprovider.kubelet.k8s.io/v1
      matchImages:
        - two.example
      defaultCacheDuration: 1h
  # behind
kind: CredentialProviderConfig
"""
ONE_LINE = (
    '{"kind":"CredentialProviderConfig","apiVersion":"kubelet.config.k8s.io/v1",'
    '"providers":[{"name":"a","apiVersion":"credentialprovider.kubelet.k8s.io/v1",'
    '"matchImages":["a[x].example"],"defaultCacheDuration":"0s","args":["[","}"]},'
    '{"name":"b","apiVersion":"credentialprovider.kubelet.k8s.io/v1",'
    '"matchImages":["b.example"],"defaultCacheDuration":"0s"}]}'
).replace("a[x]", "a")
KEY_BEHIND = "\n".join([*AKS.splitlines()[2:], *AKS.splitlines()[:2], ""])
CONFIGS = {
    "a key behind": KEY_BEHIND,
    "EKS": EKS,
    "AKS": AKS,
    "people": PEOPLE,
    "one line": ONE_LINE,
    "CRLF": AKS.replace("\n", "\r\n"),
    "no last newline": AKS.rstrip("\n"),
}
