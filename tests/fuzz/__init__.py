"""Fuzz the parsers of other people's data, guided by coverage.

    python tests/fuzz/run.py [TARGET...] [--minutes N]

A target is a function that takes bytes, in a module of this folder; `targets` lists
them. For any bytes it must return, or raise one of our own errors. It must be fast, and
its result must not show a secret from the bytes. If there is another parser of the same
format, both must agree.

`corpus/TARGET/` has the inputs with which a run starts, each named after what is odd
about it. test_corpus.py tries them too, on any Python, without the fuzzer.
"""
