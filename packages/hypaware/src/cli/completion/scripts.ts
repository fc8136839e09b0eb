// One script a shell. None evaluates what was typed: words go to `hyp complete` as they are. All of them ask the command that is being
// completed, so they stay right when it is updated.

const BASH = `# hyp completion for bash: source <(hyp completion bash)
_hyp_complete() {
  local line files=
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :files) files=1 ;;
      :*) ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("\${1/#\\~/$HOME}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  if [[ -n $files ]]; then compopt -o default 2>/dev/null; fi
}
complete -F _hyp_complete hyp hypaware
`;

const ZSH = `#compdef hyp hypaware
# hyp completion for zsh: source <(hyp completion zsh)
_hyp() {
  local line files=0
  local -a values
  while IFS= read -r line; do
    case $line in
      :files) files=1 ;;
      :*) ;;
      *) values+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}") ;;
    esac
  done < <("\${words[1]/#\\~/$HOME}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( \${#values} )) && _describe hyp values
  (( files )) && _files
  return 0
}
if [[ $funcstack[1] == _hyp ]]; then
  _hyp "$@"
else
  (( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
  compdef _hyp hyp hypaware
fi
`;

const FISH = `# hyp completion for fish: hyp completion fish | source
function __hyp_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
        switch $line
            case ':files'
                __fish_complete_path "$current"
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c hyp -f -a '(__hyp_complete)'
complete -c hypaware -f -a '(__hyp_complete)'
`;

const POWERSHELL = `# hyp completion for PowerShell: hyp completion powershell | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName hyp, hypaware -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)
    $words = @($commandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $cursorPosition } | ForEach-Object { $_.ToString() })
    $program = $words[0]
    $arguments = @($words | Select-Object -Skip 1)
    if ($wordToComplete -eq '') { $arguments += '' }
    foreach ($line in (& $program complete -- @arguments 2>$null)) {
        if ($line.StartsWith(':')) { continue }
        $value, $description = $line.Split([char]9, 2)
        if (-not $description) { $description = $value }
        [System.Management.Automation.CompletionResult]::new($value, $value, 'ParameterValue', $description)
    }
}
`;

export const COMPLETION_SCRIPTS = { bash: BASH, zsh: ZSH, fish: FISH, powershell: POWERSHELL } as const;
