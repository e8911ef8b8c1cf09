
# The vendor's CLI with the credential of the profile in use. Its own setup and help need none, and go to it directly.
function omni {
  \builtin emulate -L zsh
  \builtin local __omniprofile_word
  case ${1-} in
    '' | -h | --help | --version | help | completion | agent-help | config) \command omni "$@"; return ;;
  esac
  for __omniprofile_word in "$@"; do
    case $__omniprofile_word in
      --) break ;;
      -p | -p?* | --profile | --profile=*)
        \printf '%s\n' "omni: its own profiles are not seen here, and \`$__omniprofile_word\` would be ignored" \
          'hint: `omniprofile exec NAME -- omni ...` uses a profile for one command; `command omni ...` is omni alone' >&2
        return 2
        ;;
    esac
  done
  omniprofile exec -- omni "$@"
}
