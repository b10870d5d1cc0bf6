"""`dockcred doctor`: one request followed as the client makes it, and the traps.

finding          what a check says: how grave, the cause, the remedy, the command
case             what is examined: a registry, the variables, the time that is left
examination      the checks in the order in which a request meets them
client_files     docker: which file, and whether it can be read
docker_key       docker: which key, and why none
containers_files podman, skopeo, buildah: which files, which key
entries          a credential that stands in a file
elsewhere        the key in a file that this client does not read
helpers_on_path  which program runs, whether it can, what it shadows
path_entries     who else can put a helper on the PATH before it
launchers        whether a launcher's interpreter is there
helper_answer    what the helper says
identity         whose credential it is
cache            where it is kept, until when
registry_trial   whether the registry takes it, and what for
traps            what breaks the next request, or another's
"""
