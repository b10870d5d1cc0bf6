#!/usr/bin/python3 -I
"""dockcred, isolated: no variable and no directory of the caller's is searched."""

from dockcred.commands import main

main()
