"""Each writer, ended or refused by the kernel at each of its file system calls."""
