
# Reads a regular file of less than so many bytes, and without a NUL, into __omniprofile_text, and __omniprofile_lines.
function __omniprofile_read {
  local IFS=$'\n' glob=$-
  __omniprofile_text=''
  __omniprofile_lines=('')
  [[ -f $1 && -r $1 ]] || return 1
  if IFS= \read -r -d '' -n "$2" __omniprofile_text <"$1"; then return 1; fi
  \set -f
  # shellcheck disable=SC2206 # with this IFS, and without globbing, lines are what it is split into
  __omniprofile_lines=($__omniprofile_text '')
  case $glob in *f*) ;; *) \set +f ;; esac
  return 0
}

# Says whether a variable is not empty and reaches the programs that this shell starts. (Before 4.4 bash does not tell.)
function __omniprofile_exported {
  [[ -n ${!1-} ]] || return 1
  ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] < 404)) || [[ ${!1@a} == *x* ]]
}

# Says whether a variable cannot be assigned to.
function __omniprofile_readonly {
  ! local "$1" 2>/dev/null
}

# Puts the segment before the prompt, unless the prompt has it already. The prompt holds a reference and not the text, so that
# whoever saves, wraps or restores PS1 never brings an old one back. A protected profile is yellow. Where references are off, the
# text has no colour, and two empty `\[\]` mark it.
function __omniprofile_prompt {
  local __omniprofile_status=$? __omniprofile_rest=''
  __omniprofile_segment 2>/dev/null || OMNIPROFILE_SEGMENT='(omni ?) '
  __omniprofile_colour='' __omniprofile_plain=''
  if [[ $OMNIPROFILE_SEGMENT == *', protected'* && -z ${NO_COLOR-} && ${TERM-dumb} != dumb ]]; then
    __omniprofile_colour=$'\e[33m' __omniprofile_plain=$'\e[39m'
  fi
  if ! __omniprofile_readonly PS1; then
    if \shopt -q promptvars; then
      [[ ${PS1-} == *OMNIPROFILE_SEGMENT* ]] ||
        PS1='\[${__omniprofile_colour-}\]${OMNIPROFILE_SEGMENT-}\[${__omniprofile_plain-}\]'${PS1-}
    else
      [[ ${PS1-} == *'\[\](omni '*') \[\]'* ]] || PS1='\[\](omni ) \[\]'${PS1-}
      __omniprofile_rest=${PS1#*'\[\](omni '*') \[\]'}
      while [[ $__omniprofile_rest == *'\[\](omni '*') \[\]'* ]]; do
        __omniprofile_rest=${__omniprofile_rest%%'\[\](omni '*}${__omniprofile_rest#*'\[\](omni '*') \[\]'}
      done
      PS1=${PS1%%'\[\](omni '*}${OMNIPROFILE_SEGMENT:+"\[\]$OMNIPROFILE_SEGMENT\[\]"}$__omniprofile_rest
    fi
  fi
  case $- in *e*) return 0 ;; esac
  return "$__omniprofile_status"
}

case $- in
  *i*)
    if [[ ${PROMPT_COMMAND[*]-} == *__omniprofile_prompt* ]]; then
      :
    elif __omniprofile_readonly PROMPT_COMMAND; then
      \printf '%s\n' 'omniprofile: PROMPT_COMMAND is read-only, so the prompt cannot show the profile' >&2
    elif [[ -n ${PROMPT_COMMAND[1]+set} ]] && ((BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 501)); then
      PROMPT_COMMAND+=(__omniprofile_prompt)
    else
      PROMPT_COMMAND=${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__omniprofile_prompt
    fi
    ;;
esac
