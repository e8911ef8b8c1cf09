
# Reads a regular file of less than so many bytes, and without a NUL, into __omniprofile_text, and __omniprofile_lines.
function __omniprofile_read {
  \builtin emulate -L zsh
  \builtin setopt glob
  \builtin local -a small
  __omniprofile_text=''
  __omniprofile_lines=('')
  [[ -f $1 && -r $1 ]] || \builtin return 1
  small=($1(N-.L-$2))
  (( $#small )) || \builtin return 1
  __omniprofile_text="$(<$1)"
  [[ $__omniprofile_text != *$'\0'* ]] || \builtin return 1
  __omniprofile_lines=("${(@f)__omniprofile_text}")
}

# Says whether a variable is not empty and reaches the programs that this shell starts.
function __omniprofile_exported {
  \builtin emulate -L zsh
  [[ -n ${(P)1-} && ${(Pt)1} == *export* ]]
}

# Puts the segment before the prompt, unless the prompt has it already. The prompt holds a reference, `%99v`, and not the text,
# so that whoever saves, wraps or restores PROMPT never brings an old one back. A protected profile is yellow, where `%` is on.
function __omniprofile_precmd {
  \builtin local __omniprofile_reference=''
  [[ ! -o prompt_subst ]] || __omniprofile_reference='${OMNIPROFILE_SEGMENT-}'
  [[ ! -o prompt_percent ]] || __omniprofile_reference='%(98V.%F{yellow}.)%99v%(98V.%f.)'
  \builtin emulate -L zsh
  __omniprofile_segment 2>/dev/null || OMNIPROFILE_SEGMENT='(omni ?) '
  psvar[98]=''
  [[ $OMNIPROFILE_SEGMENT != *', protected'* || -n ${NO_COLOR-} || ${TERM-dumb} == dumb ]] || psvar[98]=1
  psvar[99]=$OMNIPROFILE_SEGMENT
  if [[ ${PROMPT-} != *OMNIPROFILE_SEGMENT* && ${PROMPT-} != *%99v* ]]; then
    PROMPT=$__omniprofile_reference${PROMPT-}
  fi
}

if [[ -o interactive && " ${precmd_functions[*]-} " != *__omniprofile_precmd* ]]; then
  precmd_functions+=(__omniprofile_precmd)
fi
