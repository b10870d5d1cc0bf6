"""The programs as `dockcred install` writes them: a few lines of sh before Python.

front.sh  the launcher's text: answers a fresh cache hit, hands all else to Python
ticket    the copy of an entry that front.sh may answer from
render    fills front.sh in for one program, one interpreter and its directories
names     where launchers stand: their programs' names, and aliases
entry     what front.sh starts: Python, told that tickets are read
bytecode  our modules compiled, for all to read
safety    who can write a path, and so what our programs say
walls     all that a launcher imports or runs, looked at file by file
"""
