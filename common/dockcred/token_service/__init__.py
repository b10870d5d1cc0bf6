"""Token authentication for a registry, from the JWTs of any OIDC issuer.

A registry sends its clients here (distribution's docs/spec/auth/token.md); whoever
shows an ID token that a listed issuer signed gets what the rules allow it.

settings         the TOML file, or the options that stand for one
public_issuers   what a rule must name where an issuer serves everybody
rule, glob       which claims may do what to which repositories
scope            what a client asks for
request          one request for a token, by GET or by POST
id_token         who asks: a JWT, verified
issuer_keys      an issuer's public keys, fetched and kept
by_rules         the answer, from rules and claims
upstream         the answer, from an OAuth provider behind us
key_directory    our own keys, and their rotation
access_token     what the registry believes
app, server      HTTP
"""
