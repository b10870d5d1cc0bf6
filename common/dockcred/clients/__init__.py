"""What we know of the programs that ask: their files, read, edited, rendered, checked.

Who answers them is not known here.
"""
