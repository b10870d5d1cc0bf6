"""`make bench`: our installed programs against the real peers, whole processes.

peers.sh      fetches the peers beside the system
stopwatch.c   starts a program, so many at once, and tells what it took
ours          the wheel, installed, and its launchers
peers         the peers that are here, and how each is asked
world         a network and trusted roots of our own: real host names, real TLS
rows          what is compared, and what ratio is asked of it
contest       one row: two contestants in turn, each answer checked
keychains     a keyring and a password store, filled by the peers
report        the table and the JSON
run           the program
instructions  what our own paths cost in instructions, which do not wobble
"""
