"""Launchers: `docker-credential-NAME` as a file that answers a hit without Python.

front.sh  the launcher's text: answers a fresh cache hit, hands all else to Python
knock     what its Python runs first where nobody was found just now
render    fills both in, for programs and directories that no other can change
"""
