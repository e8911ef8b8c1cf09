
# Runs the vendor's CLI with the credential of the current profile, or of the one that `-p` names. Its own setup, help and
# completion need none, and go to it directly.
function omni --description 'omni, with the credential of the current profile'
    set -l next ''
    set -l first ''
    set -l direct ''
    set -l token ''
    set -l options
    set -l words
    for word in $argv
        switch $next
            case ''
            case rest value
                set -a words $word
                test $next = rest; or set next ''
                continue
            case '*'
                set -a options "$next=$word"
                set next ''
                continue
        end
        switch $word
            case -h --help --version
                set direct 1
            case -p --profile
                set next --profile
                continue
            case --base-url
                set next --base-url
                continue
            case '-p*'
                set -a options --profile=(string replace -r '^-p=?' '' -- $word)
                continue
            case '--profile=*' '--base-url=*'
                set -a options $word
                continue
            case --token '--token=*'
                set token 1
            case -o --format
                set next value
            case --
                set next rest
            case -v
                test -n "$first"; or set direct 1
            case '-*'
            case '*'
                if test -z "$first"
                    set first $word
                    switch $word
                        case help completion agent-help config '__complete*'
                            set direct 1
                    end
                end
        end
        test -z "$direct"; or break
        set -a words $word
    end
    if test -n "$direct" -o (count $argv) -eq 0
        if test "$first" = config; and string match -q '* config use *' -- " $argv "
            printf '%s\n' "omni: this changes omni's own config; `omni` goes on with omniprofile's profile here" \
                'hint: `omniprofile use NAME` switches it' >&2
        end
        command omni $argv
        return
    end
    if test -n "$token"
        printf '%s\n' 'omni: `--token` is refused: other users can read a command line, and the token would go to any host' \
            'hint: `omniprofile exec --token-file FILE -- omni ...` takes it from a file; `command omni ...` is omni alone' >&2
        return 6
    end
    if string match -q -- '--*' "$next"
        printf '%s\n' "omni: `$next` needs a value" >&2
        return 2
    end
    omniprofile exec $options -- omni $words
end
