
# What the prompt shows of the profile in use, in OMNIPROFILE_SEGMENT, by this shell's own means: no process is started. What
# cannot be known for certain is shown as `?`, and never guessed.
function __omniprofile_segment
    set -g OMNIPROFILE_SEGMENT ''
    set -g __omniprofile_stale stale
    set -l state "$OMNIPROFILE_STATE_DIR"
    if test -z "$state"
        if string match -q -- '/*' "$XDG_STATE_HOME"
            set state "$XDG_STATE_HOME/omniprofile"
        else
            set state "$HOME/.local/state/omniprofile"
        end
    end
    set -l config "$OMNIPROFILE_CONFIG"
    if test -z "$config"
        if string match -q -- '/*' "$XDG_CONFIG_HOME"
            set config "$XDG_CONFIG_HOME/omniprofile/profiles.toml"
        else
            set config "$HOME/.config/omniprofile/profiles.toml"
        end
    end
    # These the program makes absolute in its own way.
    if test -z "$HOME"; or string match -qr -- '^[^/]|\.\.' "$state"; or string match -qr -- '^[^/]|\.\.' "$config"
        set -g OMNIPROFILE_SEGMENT '(omni ?) '
        return
    end

    # What the program has left about its files, which holds as long as they are the same: see omniprofile/config/prompt.py.
    set -l fresh ''
    set -l default ''
    set -l protected
    set -l witness ''
    set -l index 0
    set -l lines (__omniprofile_read "$state/prompt" 400000)
    for line in $lines
        set -l word (string split -m 1 ' ' -- $line)
        switch "$line"
            case 'omniprofile prompt 1'
                set fresh 1
            case 'config *'
                test "$word[2]" = "$config"; or set fresh ''
            case 'stamp *'
                set witness "$state/prompt.d/$word[2]-"
            case 'is *'
                set -l pair (string split \t -- $word[2])
                set -l with "$witness$index"
                if not test -e "$with"; or not test "$pair[1]" -ef "$pair[2]"; or test "$pair[1]" -nt "$with"; or test "$pair[1]" -ot "$with"
                    set fresh ''
                end
                set index (math $index + 1)
            case 'not *'
                if test -e "$word[2]"; or test -L "$word[2]"
                    set fresh ''
                end
            case 'default *'
                set default $word[2]
            case 'protected *'
                set protected (string split -n ' ' -- $word[2])
            case end
                set -g __omniprofile_stale ''
            case ''
            case '*'
                set fresh ''
        end
        test -n "$fresh"; or break
    end
    if test -z "$fresh" -o -n "$__omniprofile_stale"
        set fresh ''
        set -g __omniprofile_stale stale
    end

    set -l name "$OMNI_PROFILE"
    if test -z "$name"
        # The nearest pin upward. `..` goes where the kernel says, as for the program, whatever links led here.
        set -l up ''
        set -l depth 0
        while test $depth -lt 100
            set depth (math $depth + 1)
            if test -e "$up.omniprofile.toml"; or test -L "$up.omniprofile.toml"
                set name (__omniprofile_pin "$up.omniprofile.toml")
                test -n "$name"; or set name '?'
                break
            end
            set -l here $up
            test -n "$here"; or set here .
            if not test -d "$up.."; or test "$here" -ef "$up.."
                break
            end
            set up "$up../"
        end
    end
    if test -z "$name"; and begin
            test -e "$state/active"; or test -L "$state/active"
        end
        set -l active (__omniprofile_read "$state/active" 4000)
        if test $status -eq 0
            set name (string trim -- "$active[1]")
        else
            set name '?'
        end
    end
    if test -z "$name"
        if test -n "$fresh"
            test -n "$default"; or return
            set name $default
        else
            # With no profile file at all there is no profile.
            if not test -e "$config"; and not test -L "$config"; and not test -e (string replace -r '/[^/]*$' '' -- "$config")/profiles.d
                return
            end
            set name '?'
        end
    end
    if not string match -qr -- '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z' "$name"
        set -g OMNIPROFILE_SEGMENT '(omni ?) '
    else if test -z "$fresh"
        set -g OMNIPROFILE_SEGMENT "(omni $name, protected?) "
    else if contains -- $name $protected
        set -g OMNIPROFILE_SEGMENT "(omni $name, protected) "
    else
        set -g OMNIPROFILE_SEGMENT "(omni $name) "
    end
end

# Prints the lines of a regular file of less than so many characters, and without a NUL.
function __omniprofile_read --argument-names file limit
    test -f "$file" -a -r "$file"; or return 1
    set -l text
    read -z -n $limit text <$file 2>/dev/null
    test (string length -- "$text") -lt $limit; or return 1
    string match -qr -- '\x00' <$file; and return 1
    string split \n -- "$text"
    return 0
end

# The profile that a pin names, where it is written in the plain way: `profile = "NAME"`, blank lines and comments. Else nothing.
function __omniprofile_pin --argument-names file
    set -l lines (__omniprofile_read $file 4000); or return
    set -l found
    for line in $lines
        set line (string replace -r '\r$' '' -- $line)
        string match -qr -- '[\x00-\x08\x0a-\x1f\x7f]' "$line"; and return
        string match -qr -- '^[ \t]*(#.*)?$' "$line"; and continue
        set -l value (string match -rg -- '^[ \t]*profile[ \t]*=[ \t]*(?:"([A-Za-z0-9._-]+)"|\'([A-Za-z0-9._-]+)\')[ \t]*(?:#.*)?$' "$line")
        test (count $found) -eq 0 -a (count $value) -gt 0; or return
        set found (string join '' -- $value)
    end
    string join '' -- $found
end

# Shown before the prompt, as the mode of vi keys is: that leaves the prompt itself, and what it says of $status, alone.
if status is-interactive
    function __omniprofile_prompt --on-event fish_prompt
        __omniprofile_segment 2>/dev/null
    end
    if not functions -q __omniprofile_mode_prompt
        if functions -q fish_mode_prompt
            functions -c fish_mode_prompt __omniprofile_mode_prompt
        else
            function __omniprofile_mode_prompt
            end
        end
    end
    function fish_mode_prompt
        __omniprofile_mode_prompt
        printf %s $OMNIPROFILE_SEGMENT
    end
end
