# The omniprofile hook for zsh, interface 1: `omniprofile hook zsh` prints it. Nothing here starts a process by itself.

# Runs the program as it is. Only `use` is more: what it prints for this shell is evaluated here.
function omniprofile {
  \builtin emulate -L zsh
  \builtin local __omniprofile_word __omniprofile_command='' __omniprofile_skip=''
  for __omniprofile_word in "$@"; do
    if [[ -n $__omniprofile_skip ]]; then
      __omniprofile_skip=''
      continue
    fi
    case $__omniprofile_word in
      (-h|--help|--version|--json) __omniprofile_command=''; \builtin break ;;
      (--config) __omniprofile_skip=1 ;;
      (-?*) ;;
      (*)
        __omniprofile_command=${__omniprofile_command:-$__omniprofile_word}
        [[ $__omniprofile_command == use ]] || \builtin break
        ;;
    esac
  done
  # In a command substitution this shell is not the one to switch: who asked for the text evaluates it.
  if [[ $__omniprofile_command != use || ( $ZSH_SUBSHELL -gt 0 && ! -t 1 ) ]]; then
    OMNIPROFILE_HOOK=zsh OMNIPROFILE_PROMPT=${__omniprofile_stale-} \command omniprofile "$@"
    \builtin return
  fi
  \builtin local __omniprofile_text __omniprofile_status=0
  __omniprofile_text=$(OMNIPROFILE_HOOK=zsh OMNIPROFILE_EVAL=1 OMNIPROFILE_PROMPT=${__omniprofile_stale-} \
    \command omniprofile "$@") || __omniprofile_status=$?
  case $__omniprofile_text in
    ('# omniprofile: evaluate in zsh'*) \builtin eval "$__omniprofile_text" || \builtin return ;;
    (?*) \builtin printf '%s\n' "$__omniprofile_text" ;;
  esac
  \builtin return $__omniprofile_status
}
