# Named steps with their seconds. To be sourced by bash, with `steps` set to the names of
# those that are wanted, or to nothing for all.
set -o pipefail # a step that is shown by tee fails nevertheless
told=() wrong=0

wanted() { [ -z "$steps" ] || [[ " $steps " = *" $1 "* ]]; }

note() { # SECONDS NAME ENDED
    told+=("$(printf '%6d s  %-28s %s' "$1" "$2" "$3")")
}

step() { # NAME COMMAND...: the rest is of no use without it
    local name=$1 began=$SECONDS
    shift
    ("$@") || { note $((SECONDS - began)) "$name" FAILED; wrong=1; summary; }
    note $((SECONDS - began)) "$name" ok
}

attempt() { # NAME COMMAND...: the rest is tried whether it succeeds or not
    local name=$1 began=$SECONDS ended=ok log
    shift
    log=$(mktemp)
    ("$@") 2>&1 | tee "$log" || { ended=FAILED; wrong=1; }
    # pytest's own last line, where it was pytest that ran.
    note $((SECONDS - began)) "$name" "$ended$(
        grep -aoE '[0-9]+ (failed|passed|mutations|error)[a-z0-9, ]*' "$log" | tail -n 1 |
            sed 's/^/, /'
    )"
    rm -f "$log"
}

summary() {
    printf '\n== %s s in all\n' "$SECONDS"
    printf '%s\n' "${told[@]}"
    exit $wrong
}
