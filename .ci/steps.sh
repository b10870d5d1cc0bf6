# Named steps with their seconds, and those that processors worked: where two of them worked
# much less than twice the seconds, a step waits. To be sourced by bash, with `steps` set to
# the names of those that are wanted, or to nothing for all.
set -o pipefail # a step that is shown by tee fails nevertheless
told=() failures=() wrong=0

wanted() { [ -z "$steps" ] || [[ " $steps " = *" $1 "* ]]; }

note() { # SECONDS NAME ENDED
    told+=("$(printf '%6d s  %-28s %s' "$1" "$2" "$3")")
}

worked() { # set `processors` to the seconds that they worked for what has ended
    # A subshell has ended nothing: no pipe, and no $(times).
    local file
    file=$(mktemp)
    times >"$file"
    processors=$(awk 'NR == 2 { split($0, part, /[ms ]+/)
        print int(60 * part[1] + part[2] + 60 * part[3] + part[4]) }' "$file")
    rm -f "$file"
}

step() { # NAME COMMAND...: the rest is of no use without it
    local name=$1 began=$SECONDS
    shift
    ("$@") || { note $((SECONDS - began)) "$name" FAILED; wrong=1; summary; }
    note $((SECONDS - began)) "$name" ok
}

attempt() { # NAME COMMAND...: the rest is tried whether it succeeds or not
    local name=$1 began=$SECONDS ended=ok log processors before
    shift
    log=$(mktemp)
    worked
    before=$processors
    ("$@") 2>&1 | tee "$log" || { ended=FAILED; wrong=1; }
    worked
    # pytest's own last line, where it was pytest that ran.
    note $((SECONDS - began)) "$name" "$ended$(
        grep -aoE '[0-9]+ (failed|passed|mutations|error)[a-z0-9, ]*' "$log" | tail -n 1 |
            sed 's/^/, /'
    ); processors $((processors - before)) s"
    [ $ended = ok ] || failures+=("$(failed_tests "$name" <"$log")")
    rm -f "$log"
}

# Each test that failed, with the first line that pytest marks in it: whoever sees only the
# end of a long log knows what to try.
failed_tests() { # NAME <LOG
    awk -v step="$1" '
        /^_+ .* _+$/ { gsub(/^_+ | _+$/, ""); test = $0 }
        /^E  / && !(test in reason) { sub(/^E +/, ""); reason[test] = substr($0, 1, 140) }
        /^(FAILED|ERROR) / {
            place = substr($0, index($0, " ") + 1)
            sub(/ - .*/, "", place)
            test = substr(place, match(place, /::/) + 2)
            print step ": " place ": " reason[test]
            told = 1
        }
        { last = $0 }
        END { if (!told) print step ": " last }
    ' | head -n 30
}

# For packaging/release.sh: of which commit it is true that all of this passes.
note_passed() { # COMMIT, which was checked out when all this began
    [ -z "$steps" ] && [ $wrong = 0 ] && [ -z "$(git status --porcelain)" ] &&
        [ "$(git rev-parse HEAD)" = "$1" ] || return 0
    mkdir -p build
    echo "$1" >build/passed
}

summary() {
    printf '\n== %s s in all\n' "$SECONDS"
    printf '%s\n' "${told[@]}"
    [ ${#failures[@]} -eq 0 ] || printf '%s\n' '' '== what failed' "${failures[@]}"
    exit $wrong
}
