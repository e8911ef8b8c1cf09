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
  \builtin local options takes operands command='' kind='' optional='' ended='' word index count=0 config=''
  \builtin local __omniprofile_config=''
  \builtin local current=${words[CURRENT]}
  __omniprofile_table ''
  for (( index = 2; index < CURRENT; index++ )); do
    word=${words[index]}
    if [[ -n $kind ]]; then
      kind=''
      if [[ -n $config ]]; then
        __omniprofile_config=${(Q)word}
        config=''
        [[ $__omniprofile_config == '~'* ]] && __omniprofile_config=${HOME-}${__omniprofile_config#'~'}
      fi
      [[ -n $optional && $word == -* ]] || \builtin continue
    fi
    if [[ -n $ended ]]; then
      (( count++ ))
    elif [[ $word == -- && ( $command == exec || $command == each ) ]]; then
      words=("${(@)words[index+1,-1]}")
      (( CURRENT -= index ))
      _normal
      \builtin return
    elif [[ $word == -- ]]; then
      ended=1
    elif [[ $word == -?* ]]; then
      if [[ " $takes " == *" $word:"* ]]; then
        kind=${${takes#*"$word:"}%% *}
        optional=''
        [[ $kind == *'?' ]] && optional=1
        [[ $word == --config ]] && config=1
      fi
    elif [[ -z $command ]]; then
      command=$word
      __omniprofile_table $command || \builtin return 1
    else
      (( count++ ))
    fi
  done
  if [[ -n $kind && ! ( -n $optional && $current == -* ) ]]; then
    __omniprofile_offer "${kind%'?'}"
  elif [[ -z $ended && $current == --*=* ]]; then
    word=${current%%=*}
    [[ " $takes " == *" $word:"* ]] || \builtin return 1
    kind=${${takes#*"$word:"}%% *}
    compset -P 1 '*='
    __omniprofile_offer "${kind%'?'}"
  elif [[ -z $ended && $current == -* ]]; then
    __omniprofile_offer @options
  else
    kind=@none
    for word in ${=operands}; do
      kind=${word%...}
      [[ $word == *... ]] && \builtin break
      (( count == 0 )) && \builtin break
      (( count-- ))
      kind=@none
    done
    if [[ $kind == @values ]]; then
      word=${words[CURRENT-1]}
      kind=@none
      [[ " $takes " == *" $word:"* ]] && kind=" $takes" && kind=${${kind#*" $word:"}%% *}
    fi
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
