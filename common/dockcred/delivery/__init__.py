"""Credentials put where others read them, and kept fresh there by their real end.

targets_file  what is to be kept, as TOML
target        one format for some registries, and the places it goes to
record        until when what is in a place is good, and which of two is newer
file, secret, command     the kinds of places
cluster       the few calls to a Kubernetes API server
logins        the credentials of one process, each minted once for all targets
attempt       one look at a target: what is due is resolved, rendered, delivered
schedule      when to look again: jitter after success, back-off after failure
loop          until a signal ends it

dockcred.refresh is another thing: it refreshes the helpers' own cache.
"""
