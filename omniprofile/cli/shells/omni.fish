
# The vendor's CLI with the credential of the profile in use. Its own setup and help need none, and go to it directly.
function omni --description 'omni, with the credential of the profile in use'
    switch "$argv[1]"
        case '' -h --help --version help completion agent-help config
            command omni $argv
            return
    end
    for __omniprofile_word in $argv
        switch "$__omniprofile_word"
            case --
                break
            case '-p*' --profile '--profile=*'
                printf '%s\n' "omni: its own profiles are not seen here, and `$__omniprofile_word` would be ignored" \
                    'hint: `omniprofile exec NAME -- omni ...` uses a profile for one command; `command omni ...` is omni alone' >&2
                return 2
        end
    end
    omniprofile exec -- omni $argv
end
