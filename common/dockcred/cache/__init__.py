"""Minted credentials on disk: 0600 files in a 0700 directory that we own.

directory     where it is, and whether it may be trusted
entry         one credential as text, with all that must still hold to answer it
files         reading, writing and pruning entries
watched       what a file looked like, and whom a token file speaks for
single_flight one mint for many callers
"""
