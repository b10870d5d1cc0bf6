"""Credentials written as the files of clients that cannot ask a helper.

login      a registry as a person names it, and its credential
resolving  registries to logins: all of them within one time limit
at_once    how many are asked
options    what a format can be told besides
formats    the table of formats, loaded on use; each is one file below
entries    what the formats are made of: keys, `auth`, JSON, and what they refuse
"""
