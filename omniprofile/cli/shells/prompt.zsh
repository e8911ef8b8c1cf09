
# Reads a regular file of less than so many bytes, and without a NUL, into __omniprofile_text.
function __omniprofile_read {
  \builtin emulate -L zsh
  \builtin local -a small
  __omniprofile_text=''
  [[ -f $1 && -r $1 ]] || \builtin return 1
  small=($1(N-.L-$2))
  (( $#small )) || \builtin return 1
  if IFS= \builtin read -r -d '' __omniprofile_text <$1; then \builtin return 1; fi
  \builtin return 0
}

# Puts the segment before the prompt, or only into OMNIPROFILE_SEGMENT where PROMPT itself has that.
function __omniprofile_precmd {
  \builtin emulate -L zsh
  __omniprofile_segment 2>/dev/null
  if [[ ${PROMPT-} != *OMNIPROFILE_SEGMENT* ]]; then
    PROMPT=$OMNIPROFILE_SEGMENT${${PROMPT-}#'(omni '*') '}
  fi
}

if [[ -o interactive && " ${precmd_functions[*]-} " != *__omniprofile_precmd* ]]; then
  precmd_functions+=(__omniprofile_precmd)
fi
