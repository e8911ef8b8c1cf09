
# Computes what the prompt shows of the current profile, in OMNIPROFILE_SEGMENT, by this shell's own means: no process is
# started. What cannot be known for certain is shown as `?`, and never guessed.
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
    # The program makes these absolute in its own way.
    if test -z "$HOME"; or string match -qr -- '^[^/]|\.\.' "$state"; or string match -qr -- '^[^/]|\.\.' "$config"
        set -g OMNIPROFILE_SEGMENT '(omni ?) '
        return
    end

    # What the program wrote about its files. It holds as long as they are the same: see omniprofile/config/prompt_file.py.
    set -l fresh ''
    set -l default ''
    set -l names
    set -l protected
    set -l gateway
    set -l reader
    set -l witness ''
    set -l index 0
    set -l lines (__omniprofile_read "$state/prompt" 400000)
    for line in $lines
        set -l word (string split -m 1 ' ' -- $line)
        switch "$line"
            case 'omniprofile prompt 3'
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
            case 'names *'
                set names (string split -n ' ' -- $word[2])
            case 'protected *'
                set protected (string split -n ' ' -- $word[2])
            case 'gateway *'
                set gateway (string split -n ' ' -- $word[2])
            case 'read-only *'
                set reader (string split -n ' ' -- $word[2])
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

    set -l name ''
    if set -qx OMNI_PROFILE
        set name "$OMNI_PROFILE"
    end
    if test -z "$name"
        # The nearest pin upward. `..` goes where the kernel says, as for the program, whatever links led here.
        set -l up ''
        set -l depth 0
        while test -z "$name"
            set -l here $up
            test -n "$here"; or set here .
            if test -e "$up.omniprofile.toml"; or test -L "$up.omniprofile.toml"
                set name (__omniprofile_pin "$up.omniprofile.toml")
                test -n "$name"; or set name '?'
                # The program ignores the pin of another user, and may trust this one: its files and its mode say.
                if test "$EUID" != 0; and not test -O "$up.omniprofile.toml" -a -O "$here"
                    set name '?'
                end
            else if not test -d "$up.."; or test "$here" -ef "$up.."
                break
            else if test $depth -eq 100
                set name '?'
            end
            set up "$up../"
            set depth (math $depth + 1)
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
    set -l detail ''
    if not string match -qr -- '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z' "$name"
        set name '?'
    else if test -z "$fresh"
        set detail ', protected?'
    else if not contains -- $name $names
        set name '?'
    else
        contains -- $name $protected; and set detail ', protected'
        contains -- $name $gateway; and set detail "$detail, gateway"
        contains -- $name $reader; and set detail "$detail, read-only"
    end
    if __omniprofile_shadowed
        set detail "$detail, env!"
    end
    set -g OMNIPROFILE_SEGMENT "(omni $name$detail) "
end

# Says whether a base URL and a token in the environment take the profile's place: a pair that is not what omniprofile itself
# exported. The answer is kept until one of the variables changes.
function __omniprofile_shadowed
    test -n "$OMNI_BASE_URL"; and set -qx OMNI_BASE_URL; or return 1
    set -l variable
    for each in OMNI_API_KEY OMNI_API_TOKEN
        if test -n "$$each"; and set -qx $each
            set variable $each
        end
    end
    test -n "$variable"; or return 1
    set -l pair "$$variable $OMNI_BASE_URL $OMNIPROFILE_EXPORTED"
    if test "$pair" != "$__omniprofile_pair"
        set -g __omniprofile_pair $pair
        set -g __omniprofile_pair_shadows 1
        if __omniprofile_is_own $variable; and __omniprofile_is_own OMNI_BASE_URL
            set -g __omniprofile_pair_shadows ''
        end
    end
    test -n "$__omniprofile_pair_shadows"
end

# Says whether a variable has the value that OMNIPROFILE_EXPORTED has the CRC-32 of.
function __omniprofile_is_own --argument-names variable
    set -l value "$$variable"
    set -l sum (string match -rg -- ",$variable=([0-9a-f]{8})(?:,|\$)" "$OMNIPROFILE_EXPORTED"); or return 1
    string match -qr -- '^[!-~]{1,8191}\z' "$value"; or return 1
    set -l table 0x00000000 0x1db71064 0x3b6e20c8 0x26d930ac 0x76dc4190 0x6b6b51f4 0x4db26158 0x5005713c \
        0xedb88320 0xf00f9344 0xd6d6a3e8 0xcb61b38c 0x9b64c2b0 0x86d3d2d4 0xa00ae278 0xbdbdf21c
    set -l checksum 0xffffffff
    for character in (string split '' -- "$value")
        set -l code (printf %d "'$character")
        set checksum (math "bitxor($checksum, $code)")
        for half in 1 2
            set -l at (math "bitand($checksum, 15) + 1")
            set checksum (math "bitxor(floor($checksum / 16), $table[$at])")
        end
    end
    test (math "bitxor($checksum, 0xffffffff)") -eq (math "0x$sum")
end

# Prints the lines of a regular file of less than so many characters, and without a NUL.
function __omniprofile_read --argument-names file limit
    test -f "$file" -a -r "$file"; or return 1
    set -l text
    set -l more
    begin
        read -z -n $limit text
        read -z -n 1 more; and return 1 # there is more: behind a NUL there may be so much that it would take for ever to read
    end <$file 2>/dev/null
    test (string length -- "$text") -lt $limit; or return 1
    string match -qr -- '\x00' <$file; and return 1
    string split \n -- "$text"
    return 0
end

# Prints the profile that a pin names, if it is written plainly: `profile = "NAME"`, blank lines, comments.
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
        if string match -q '*, protected*' -- "$OMNIPROFILE_SEGMENT"; and test -z "$NO_COLOR" -a "$TERM" != dumb
            set_color yellow
            printf %s $OMNIPROFILE_SEGMENT
            set_color normal
        else
            printf %s $OMNIPROFILE_SEGMENT
        end
    end
end
