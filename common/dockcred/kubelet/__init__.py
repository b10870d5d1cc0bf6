"""Kubelet's exec plugin: an image in, a credential out, as JSON (KEP-2133, KEP-4412).

request          what kubelet asks, read strictly
image            the registry in an image's name
response         what it takes for an answer, byte for byte as Go would write it
durations        Go's way of writing a length of time
service_account  a pod's own token in the place of the node's identity
bound            a provider that asks as that account
google           the file by which Google's libraries exchange such a token
drop_in          the arguments of the clouds' own plugins
azure_file       the configuration file that one of them is given
plugin           one call, from request to response
"""
