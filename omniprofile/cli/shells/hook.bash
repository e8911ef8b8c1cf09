# The omniprofile hook for bash, interface 1: `omniprofile hook bash` prints it. Nothing here starts a process by itself.

# Runs the program as it is. Only `use` is more: what it prints for this shell is evaluated here.
function omniprofile {
  local __omniprofile_word __omniprofile_command='' __omniprofile_skip=''
  for __omniprofile_word in "$@"; do
    if [[ -n $__omniprofile_skip ]]; then
      __omniprofile_skip=''
      continue
    fi
    case $__omniprofile_word in
      -h | --help | --version | --json) __omniprofile_command=''; break ;;
      --config) __omniprofile_skip=1 ;;
      -?*) ;;
      *)
        __omniprofile_command=${__omniprofile_command:-$__omniprofile_word}
        [[ $__omniprofile_command == use ]] || break
        ;;
    esac
  done
  # In a command substitution this shell is not the one to switch: who asked for the text evaluates it.
  if [[ $__omniprofile_command != use || ($BASH_SUBSHELL -gt 0 && ! -t 1) ]]; then
    OMNIPROFILE_HOOK=bash OMNIPROFILE_PROMPT=${__omniprofile_stale-} \command omniprofile "$@"
    return
  fi
  local __omniprofile_text __omniprofile_status=0
  __omniprofile_text=$(OMNIPROFILE_HOOK=bash OMNIPROFILE_EVAL=1 OMNIPROFILE_PROMPT=${__omniprofile_stale-} \
    \command omniprofile "$@") || __omniprofile_status=$?
  case $__omniprofile_text in
    '# omniprofile: evaluate in bash'*) \eval "$__omniprofile_text" || return ;;
    ?*) \printf '%s\n' "$__omniprofile_text" ;;
  esac
  return "$__omniprofile_status"
}
