# Completion of omniprofile for fish: `omniprofile completion fish` prints it. TAB on a profile's name asks `omniprofile`
# for the names, which resolves and unlocks nothing; everything else is in this text.

@@TABLE@@
# Lists the candidates for a kind of value as lines of a word, a tab, what it is, each behind a prefix.
function __omniprofile_words --argument-names kind prefix current config
    switch "$kind"
        case @none
        case @files
            __fish_complete_path "$current"
        case @profiles @patterns @instances @secrets @keys
            test "$kind" = @keys; and string split \n -- (__omniprofile_table $kind)[1]
            set -l flag
            test -n "$config"; and set flag --config "$config"
            string replace -r '^' -- "$prefix" (command omniprofile $flag __complete (string sub -s 2 -- $kind) 2>/dev/null)
        case '@*'
            string replace -r '^' -- "$prefix" (string split \n -- (__omniprofile_table $kind)[1])
        case '*'
            string replace -r '^' -- "$prefix" (string split , -- $kind)
    end
end

function __omniprofile_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l table (__omniprofile_table '')
    set -l command ''
    set -l kind ''
    set -l optional ''
    set -l ended ''
    set -l count 0
    set -l configures ''
    set -l config ''
    set -l index 1
    while test $index -lt (count $words)
        set index (math $index + 1)
        set -l word $words[$index]
        if test -n "$kind"
            set kind ''
            if test -n "$configures"
                set config (string replace -r '^~' -- "$HOME" $word)
                set configures ''
            end
            if not string match -q -- '-*' $word; or test -z "$optional"
                continue
            end
        end
        if test -n "$ended"
            set count (math $count + 1)
        else if contains -- "$word $command" '-- exec' '-- each'
            # What follows is a command line of its own.
            set -l rest $words[(math $index + 1)..-1]
            complete -C (string join ' ' -- (string escape -- $rest) $current | string collect)
            return
        else if test "$word" = --
            set ended 1
        else if string match -q -- '-?*' $word
            set kind (string match -rg -- " "(string escape --style=regex -- $word)':(\S+)' " $table[2]")
            set optional (string match -- '*\?' $kind)
            test "$word" = --config; and set configures 1
        else if test -z "$command"
            set command $word
            set table (__omniprofile_table $command); or return
        else
            set count (math $count + 1)
        end
    end
    set -l assigned (string match -rg -- '^(--[^=]*)=' $current)
    if test -n "$kind"; and not begin
            test -n "$optional"; and string match -q -- '-*' $current
        end
        __omniprofile_words (string trim --right --chars '?' -- $kind) '' "$current" "$config"
    else if test -z "$ended" -a -n "$assigned"
        set kind (string match -rg -- " $assigned:"'(\S+)' " $table[2]")
        __omniprofile_words (string trim --right --chars '?' -- $kind) "$assigned=" (string replace -- "$assigned=" '' $current) "$config"
    else if test -z "$ended"; and string match -q -- '-*' $current
        string split \n -- $table[1]
    else
        for operand in (string split -n ' ' -- $table[3])
            set kind (string replace -r '\.\.\.$' '' -- $operand)
            string match -q -- '*...' $operand; and break
            test $count -eq 0; and break
            set count (math $count - 1)
            set kind @none
        end
        if test "$kind" = @values
            set kind (string match -rg -- " "(string escape --style=regex -- $words[-1])':(\S+)' " $table[2]")
        end
        __omniprofile_words "$kind" '' "$current" "$config"
    end
end

complete -c omniprofile -e
complete -c omniprofile -k -f -a '(__omniprofile_complete)'
