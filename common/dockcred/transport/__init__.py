"""HTTP over TLS, as little of it as a cold `get` needs; no registry is known here.

http         one request, and its repetition
connection   the way to a target, through proxies
response     what comes back, read within limits
target       a URL, and the text of a form
trust        certificates, and what goes wrong
json_reader  JSON and the claims of tokens
idle         work for the time in which the other end thinks
"""
