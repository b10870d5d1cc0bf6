"""Where each client looks for a registry's credential, by its own rules.

reference   an image's name in its parts, and the key that a client makes of it
files       one client file, read as the client reads it
auths       an entry that holds a credential, decoded
docker      config.json: credHelpers, credsStore, auths
containers  podman, skopeo, buildah: auth.json, registries.conf
helper      a `docker-credential-*` program on a PATH, found and asked
"""
