"""The one place that opens a connection on the direct road.

form      fields as a query or a body has them
http      one request, bounded in time and size; no redirects, no other host
proxies   which proxy a host is reached through, if any
problems  what a failure below HTTP means
trust     whose certificates are believed
"""
