#compdef omniprofile
# Completion of omniprofile for zsh: `omniprofile completion zsh` prints it. TAB on a profile's name asks `omniprofile`
# for the names, which resolves and unlocks nothing; everything else is in this text.

@@TABLE@@
# Offers the candidates for a kind of value.
function __omniprofile_offer {
  \builtin local kind=$1 lines word
  \builtin local -a offered
  case $kind in
    (@none) \builtin return 1 ;;
    (@files) _files; \builtin return ;;
    (@profiles|@patterns|@instances|@secrets|@keys)
      lines=$(\command omniprofile ${__omniprofile_config:+--config} ${__omniprofile_config:+"$__omniprofile_config"} __complete ${kind#@} 2>/dev/null)
      [[ $kind == @keys ]] && __omniprofile_table $kind && lines=$options$'\n'$lines
      ;;
    (@options) lines=$options ;;
    (@*) __omniprofile_table $kind && lines=$options ;;
    (*) lines=${kind//,/$'\n'} ;;
  esac
  for word in "${(@f)lines}"; do
    [[ -n $word ]] && offered+=("${${word%%$'\t'*}//:/\\:}${${word#*$'\t'}:+:${word#*$'\t'}}")
  done
  (( $#offered )) || \builtin return 1
  if [[ $kind == @options ]]; then
    _describe -o 'option' offered
  else
    _describe "${2:-value}" offered
  fi
}

function _omniprofile {
  \builtin emulate -L zsh
  \builtin setopt extended_glob
  \builtin local options takes operands command='' kind='' optional='' ended='' index=0 count=0 state=0
  \builtin local __omniprofile_config=''
  \builtin local current=${words[CURRENT]}
  __omniprofile_table ''
  __omniprofile_read_words "${(@Q)words[2,CURRENT-1]}" || state=$?
  case $state in
    (1) \builtin return 1 ;;
    (2)
      words=("${(@)words[index+2,-1]}")
      (( CURRENT -= index + 1 ))
      _normal
      \builtin return
      ;;
  esac
  if [[ -n $kind && ! ( -n $optional && $current == -* ) ]]; then
    __omniprofile_offer "${kind%'?'}"
  elif [[ -z $ended && $current == --*=* ]]; then
    __omniprofile_takes "${current%%=*}" || \builtin return 1
    compset -P 1 '*='
    __omniprofile_offer "${kind%'?'}"
  elif [[ -z $ended && $current == -* ]]; then
    __omniprofile_offer @options
  else
    __omniprofile_operand "${words[CURRENT-1]}"
    __omniprofile_offer $kind "${${kind#@}%s}"
  fi
}

if [[ ${funcstack[1]-} == _omniprofile ]]; then
  _omniprofile "$@"
elif (( ${+functions[compdef]} )); then
  compdef _omniprofile omniprofile
else
  \builtin print -ru2 -- 'omniprofile: its completion needs that of zsh: autoload -Uz compinit && compinit comes before it'
fi
