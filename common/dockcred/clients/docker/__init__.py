"""Docker: config.json read, edited and checked as docker itself does it.

Other clients that read the same file have packages of their own.
"""
