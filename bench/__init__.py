"""`make bench` compares our installed programs with their real peers, as processes.

A peer is another program for the same task, such as Amazon's ecr-login.

peers.sh      downloads the peers, outside the system's directories
stopwatch.c   starts a program N times at once; prints wall time, CPU time and memory
ours          installs our wheel and its launchers
peers         lists the peers, and how each is asked
world         makes a network and trusted roots of our own: real host names, real TLS
rows          lists what is compared, and the highest ratio that each row may have
contest       runs one row: two contestants in turn, each answer checked
keychains     makes a keyring and a password store, filled by the peers
report        prints the table and writes the JSON
run           the program of `make bench`
instructions  counts the instructions of our own code paths, which do not vary
"""
