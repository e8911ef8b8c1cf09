# Completion of omniprofile for bash: `omniprofile completion bash` prints it. TAB on a profile's name asks `omniprofile`
# for the names, which resolves and unlocks nothing; everything else is in this text.

@@TABLE@@
# Lists the candidates for a kind of value as lines of a word, a tab, what it is.
function __omniprofile_words {
  case $1 in
    @profiles | @patterns | @instances | @secrets | @keys)
      [[ $1 == @keys ]] && __omniprofile_table "$1" && \printf '%s\n' "$options"
      \command omniprofile ${__omniprofile_config:+--config "$__omniprofile_config"} __complete "${1#@}" 2>/dev/null
      ;;
    @none | @files) ;;
    @*) __omniprofile_table "$1" && \printf '%s\n' "$options" ;;
    *) \printf '%s\n' "${1//,/$'\n'}" ;;
  esac
}

function _omniprofile {
  local IFS=$' \t\n'
  local options takes operands command='' kind='' optional='' ended='' prefix='' word index=0 count=0 listed='' state=0
  local __omniprofile_config=''
  local current=${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  __omniprofile_table ''
  __omniprofile_read_words "${COMP_WORDS[@]:1:COMP_CWORD-1}" || state=$?
  case $state in
    1) return 0 ;;
    2)
      if \declare -F _command_offset >/dev/null; then
        _command_offset $((index + 1))
      elif ((COMP_CWORD == index + 1)); then
        while IFS= \read -r word; do COMPREPLY+=("$word"); done <<<"$(\compgen -c -- "$current")"
      else
        \compopt -o default
      fi
      return 0
      ;;
  esac
  [[ $current == '=' ]] && current=''
  # Bash breaks a word after `@`, and yet replaces the whole of it.
  [[ -n $current && ${COMP_WORDS[COMP_CWORD - 1]} == '@' ]] && current=@$current
  current=${current#[\"\']}
  if [[ -n $kind && ! (-n $optional && $current == -*) ]]; then
    listed=$(__omniprofile_words "${kind%'?'}") || :
  elif [[ -z $ended && $current == --*=* ]]; then
    prefix=${current%%=*}=
    current=${current#*=}
    __omniprofile_takes "${prefix%=}" && { listed=$(__omniprofile_words "${kind%'?'}") || :; }
  elif [[ -z $ended && $current == -* ]]; then
    listed=$options
  else
    __omniprofile_operand "${COMP_WORDS[COMP_CWORD - 1]}"
    listed=$(__omniprofile_words "$kind") || :
  fi
  if [[ ${kind%'?'} == @files ]]; then
    if ! \compopt -o default 2>/dev/null || [[ -n $prefix ]]; then
      while IFS= \read -r word; do COMPREPLY+=("$prefix$word"); done <<<"$(\compgen -f -- "$current")"
    fi
    return 0
  fi
  local -a about=()
  local width=0 screen=${COLUMNS-}
  # It may come from the environment, and arithmetic would run a command in it.
  case $screen in '' | 0* | *[!0-9]* | ?????*) screen=80 ;; esac
  while IFS=$'\t' \read -r word index; do
    if [[ -n $word && $word == "$current"* ]]; then
      COMPREPLY+=("$prefix$word")
      about+=("$index")
      ((${#word} > width)) && width=${#word}
    fi
  done <<<"$listed"
  # Where the candidates are only shown, each with what it is. What readline inserts is their common beginning, a name's.
  if ((${#COMPREPLY[@]} > 1)) && [[ ${COMP_TYPE-} == 63 || ${COMP_TYPE-} == 33 || ${COMP_TYPE-} == 64 ]]; then
    for index in "${!COMPREPLY[@]}"; do
      [[ -n ${about[index]} ]] || continue
      \printf -v word '%-*s  (%s)' "$((width + ${#prefix}))" "${COMPREPLY[index]}" "${about[index]}"
      ((${#word} >= screen && screen > 2)) && word=${word:0:$((screen - 2))}
      COMPREPLY[index]=$word
    done
  fi
  return 0
}

\complete -F _omniprofile omniprofile
