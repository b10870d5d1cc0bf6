#!/usr/bin/python3 -I
"""Start dockcred isolated (-I): Python ignores the caller's variables and directory."""

from dockcred.commands import main

main()
