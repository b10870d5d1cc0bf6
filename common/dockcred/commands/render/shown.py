"""The example that the help of each format shows."""

from __future__ import annotations

EXAMPLES = {
    "argocd": ("dockcred render argocd --registry ghcr.io",),
    "containers-auth": (
        "dockcred render containers-auth --registry ghcr.io/acme --output auth.json",
        "dockcred render containers-auth --for coco --registry ghcr.io |",
        "    kbs-client config set-resource --path default/containers/auth …",
    ),
    "contrast-secret": (
        "dockcred render contrast-secret --registry ghcr.io |",
        "    kubectl apply --server-side -f -",
    ),
    "contrast-toml": (
        "dockcred render contrast-toml --registry ghcr.io --extra-env HTTPS_PROXY",
    ),
    "docker-config": (
        "dockcred render docker-config --registry ghcr.io --output /kaniko/.docker/",
    ),
    "env": (
        'eval "$(dockcred render env --registry ghcr.io)"',
        'dockcred render env --for dotenv --registry ghcr.io >>"$GITHUB_ENV"',
    ),
    "helm": ("dockcred render helm --registry ghcr.io --output registry.json",),
    "kubelet-config": ("dockcred render kubelet-config --all",),
    "kubernetes-secret": (
        "dockcred render kubernetes-secret --registry ghcr.io --namespace apps |",
        "    kubectl apply --server-side -f -",
    ),
    "nomad": (
        "dockcred render nomad --registry ghcr.io --name nomad/jobs/app |",
        "    nomad var put -in=json -",
    ),
    "password": (
        "dockcred render password --registry ghcr.io |",
        "    docker login ghcr.io -u me --password-stdin",
    ),
    "user-pass": ("dockcred render user-pass --registry ghcr.io | base64 -w0",),
}
