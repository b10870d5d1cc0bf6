"""The one place that opens a connection on the direct road.

form      fields as a query or a body has them
http      one request, bounded in time and size; no redirects, no other host
target    where it goes, and whether a secret may go there
way       how it goes there: a connection, through a proxy, verified
response  what comes back, read from a connection that may send anything
lean      TLS without what it imports and hardly uses
proxies   which proxy a host is reached through, if any
problems  what a failure below HTTP means
trust     whose certificates are believed
"""
