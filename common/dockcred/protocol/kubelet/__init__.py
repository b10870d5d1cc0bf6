"""Kubelet's exec plugin: an image in, a credential out, as JSON (KEP-2133, KEP-4412).

wire             what kubelet asks, read strictly, and what it takes for an answer
plugin           one call, from request to response
service_account  a pod's own token in the place of the node's identity
drop_in          the arguments of the clouds' own plugins
"""
