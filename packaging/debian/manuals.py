"""Write the manual pages of the helpers and of dockcred, as debhelper needs them.

manuals.py DIRECTORY    makes helpers/ and dockcred/ in it
"""

import os
import sys

from dockcred.commands.manual import all_pages
from dockcred.wiring import PROGRAMS

for name, text in all_pages().items():
    part = "helpers" if name.removesuffix(".1") in PROGRAMS else "dockcred"
    directory = os.path.join(sys.argv[1], part)
    os.makedirs(directory, exist_ok=True)
    with open(f"{directory}/{name}", "x", encoding="utf-8") as file:
        file.write(text)
