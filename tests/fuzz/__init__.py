"""What strangers write, made up by a fuzzer that is guided by coverage.

    python tests/fuzz/run.py [TARGET...] [--minutes N]

A target is a function of bytes in one of the modules beside this file; `targets` lists
them. Whatever the bytes, it returns, or raises an error of ours; it takes no longer than
a moment; and what it shows has no secret that was in them. Where another reader of the
same format is at hand, the two agree.

`corpus/TARGET/` has inputs that a run begins with, each called by what is odd about it.
They are tried by test_corpus.py too, on any Python, without the fuzzer.
"""
