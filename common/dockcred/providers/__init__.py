"""One package per identity system; none imports another.

Which one answers for a host, and the cache, are the business of `identity`.
"""
