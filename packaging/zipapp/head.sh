#!/bin/sh
# dockcred @VERSION@ in one file. It is the program by whose name it is called (ln -s), or
# the one that is named first:
#
#   @NAME@ docker-credential-ecr-login get
#
# After these lines come bytecode for Python @PYTHON@, which is looked for first, and a
# zip archive of the sources, for every other. `unzip -l` shows it.
start() {
    python=$1
    shift
    exec "$python" -I -S -c '
import sys
sys.argv = sys.argv[1:]
if sys.version_info < (3, 11):
    print("dockcred: Python 3.11 or newer is needed")
    sys.exit("dockcred: Python 3.11 or newer is needed")
if sys.implementation.cache_tag == "@CACHE_TAG@":
    import marshal
    with open(sys.argv[0], "rb", 0) as file:
        file.seek(@OFFSET@)
        held = memoryview(file.read(@SIZE@))
    exec(marshal.loads(held[@FINDER@:]))
# Behind the standard library: the archive is opened when nothing else has a module.
sys.path.append(sys.argv[0])
from one_file import main
main()
' "$self" "$@"
}
# A child of ours may be elsewhere when it looks for its modules.
case $0 in
/*) self=$0 ;;
*) self=$PWD/$0 ;;
esac
for python in /usr/bin/python@PYTHON@ /usr/local/bin/python@PYTHON@ \
    /usr/bin/python3.1[1-9] /usr/local/bin/python3.1[1-9]; do
    [ ! -x "$python" ] || start "$python" "$@"
done
! command -v python3 >/dev/null || start python3 "$@"
said='dockcred: there is no Python here; install python3, 3.11 or newer'
printf '%s\n' "$said"
printf '%s\n' "$said" >&2
exit 1
