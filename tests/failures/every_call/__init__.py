"""Each writer is killed, or gets an error, at each of its file system calls.

writer      a program that writes files, as a trial needs it
configuring, minting, keeping  yield the writers
points      the system calls of a run, and what can happen at each
world       the directory tree in which writers work
trial       runs one writer at all of its points
"""
