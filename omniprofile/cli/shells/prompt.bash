
# Reads a regular file of less than so many bytes, and without a NUL, into __omniprofile_text.
function __omniprofile_read {
  __omniprofile_text=''
  [[ -f $1 && -r $1 ]] || return 1
  if IFS= \read -r -d '' -n "$2" __omniprofile_text <"$1"; then return 1; fi
  return 0
}

# Puts the segment before the prompt, or only into OMNIPROFILE_SEGMENT where PS1 itself has that.
function __omniprofile_prompt {
  local __omniprofile_status=$?
  __omniprofile_segment 2>/dev/null
  if [[ ${PS1-} != *OMNIPROFILE_SEGMENT* ]]; then
    PS1=${PS1-}
    PS1=$OMNIPROFILE_SEGMENT${PS1#'(omni '*') '}
  fi
  case $- in *e*) return 0 ;; esac
  return "$__omniprofile_status"
}

case $- in
  *i*)
    case "${PROMPT_COMMAND[*]-}" in
      *__omniprofile_prompt*) ;;
      *)
        if [[ ${#PROMPT_COMMAND[@]} -gt 1 ]]; then
          PROMPT_COMMAND+=(__omniprofile_prompt)
        else
          PROMPT_COMMAND="${PROMPT_COMMAND:+$PROMPT_COMMAND$'\n'}__omniprofile_prompt"
        fi
        ;;
    esac
    ;;
esac
