"""HTTP over TLS, only what a `get` needs; nothing here knows about registries.

http         one request, and its retries
connection   the connection to a target, through proxies
response     the response, read within limits
target       a URL, and the encoding of a form
trust        root certificates, and the errors of a connection
json_reader  JSON and the claims of tokens
metadata     metadata services, which may not exist
local        lines over a Unix socket
socks        a SOCKS5 proxy
idle         work to do while a response is awaited
"""
