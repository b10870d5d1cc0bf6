"""Launchers: files `docker-credential-NAME` that answer a cache hit without Python.

front.sh  the launcher's shell part, the front: answers a fresh cache hit, else starts
          Python
knock     what that Python runs first, if the metadata service was silent just now
render    fills both in; refuses programs and directories that others can change
walls     checks that nobody else can change a file that a launcher imports or runs
"""
