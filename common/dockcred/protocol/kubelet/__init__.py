"""Kubelet's exec plugin: JSON with an image in, a credential out (KEP-2133, KEP-4412).

wire             parses kubelet's request strictly, and writes the response
plugin           one call, from request to response
service_account  uses a pod's own token instead of the node's identity
drop_in          the arguments of the clouds' own plugins, which ours replaces
"""
