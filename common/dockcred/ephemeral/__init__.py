"""A private directory that ends with the process it was made for.

directory  where it stands, in memory where there is such a place, and who may see it
owner      its name, which says whose it is
watcher    the process that removes it, however its owner ends
leftovers  what no watcher has removed
"""
