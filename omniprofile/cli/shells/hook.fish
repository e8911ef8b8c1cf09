# The omniprofile hook for fish, interface 1: `omniprofile hook fish` prints it. Nothing here starts a process by itself.

# Runs the program as it is. Only `use` is more: what it prints for this shell is evaluated here.
function omniprofile --description 'Omni profiles, with the switch of this shell'
    set -l __omniprofile_command ''
    set -l __omniprofile_skip ''
    for __omniprofile_word in $argv
        if test -n "$__omniprofile_skip"
            set __omniprofile_skip ''
            continue
        end
        switch "$__omniprofile_word"
            case -h --help --version --json
                set __omniprofile_command ''
                break
            case --config
                set __omniprofile_skip 1
            case '-?*' '--*'
            case '*'
                test -n "$__omniprofile_command"; or set __omniprofile_command "$__omniprofile_word"
                test "$__omniprofile_command" = use; or break
        end
    end
    # In a command substitution, who asked for the text evaluates it.
    if test "$__omniprofile_command" != use; or status is-command-substitution
        OMNIPROFILE_HOOK=fish OMNIPROFILE_PROMPT="$__omniprofile_stale" command omniprofile $argv
        return
    end
    set -l __omniprofile_text (OMNIPROFILE_HOOK=fish OMNIPROFILE_EVAL=1 OMNIPROFILE_PROMPT="$__omniprofile_stale" command omniprofile $argv)
    set -l __omniprofile_status $status
    if test (count $__omniprofile_text) -gt 0
        if string match -q '# omniprofile: evaluate in fish*' -- $__omniprofile_text[1]
            string join \n -- $__omniprofile_text | source
        else
            string join \n -- $__omniprofile_text
        end
    end
    return $__omniprofile_status
end
