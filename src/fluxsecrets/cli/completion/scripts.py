"""The scripts that shells load. Each hands the words to `fluxsecrets __complete`, and shows the answer."""

from __future__ import annotations

from types import MappingProxyType

_BASH = r"""# fluxsecrets completion for bash. Load it in ~/.bashrc:
#   eval "$(fluxsecrets completion bash)"
_fluxsecrets_completion() {
    local kind value help
    COMPREPLY=()
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            word) COMPREPLY+=("$value") ;;
            part) COMPREPLY+=("$value"); compopt -o nospace 2>/dev/null ;;
            file | folder) COMPREPLY+=("$value"); compopt -o filenames 2>/dev/null ;;
            files) compopt -o default 2>/dev/null ;;
        esac
    done < <(command fluxsecrets __complete bash "$COMP_CWORD" "${COMP_WORDS[@]:1}" 2>/dev/null </dev/null)
}
complete -F _fluxsecrets_completion fluxsecrets
"""

_ZSH = r"""#compdef fluxsecrets
# fluxsecrets completion for zsh. Load it in ~/.zshrc, after compinit:
#   eval "$(fluxsecrets completion zsh)"
_fluxsecrets() {
    local kind value help
    local -a described plain parts files folders
    local everything=
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            word)
                if [[ -n $help ]]; then
                    described+=("${value//:/\\:}:$help")
                else
                    plain+=("$value")
                fi
                ;;
            part) parts+=("$value") ;;
            file) files+=("$value") ;;
            folder) folders+=("$value/") ;;
            files) everything=1 ;;
        esac
    done < <(command fluxsecrets __complete zsh "$((CURRENT - 1))" "${words[@]:1}" 2>/dev/null </dev/null)
    (( $#described )) && _describe -V fluxsecrets described
    (( $#plain )) && compadd -- "${plain[@]}"
    (( $#parts )) && compadd -S '' -- "${parts[@]}"
    (( $#files )) && compadd -f -- "${files[@]}"
    (( $#folders )) && compadd -f -S '' -- "${folders[@]}"
    [[ -n $everything ]] && _files
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then
    _fluxsecrets "$@"
else
    compdef _fluxsecrets fluxsecrets
fi
"""

_FISH = r"""# fluxsecrets completion for fish. Save it as ~/.config/fish/completions/fluxsecrets.fish:
#   fluxsecrets completion fish > ~/.config/fish/completions/fluxsecrets.fish
function __fluxsecrets_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l number (count $words)
    for line in (command fluxsecrets __complete fish $number $words[2..-1] "$current" 2>/dev/null </dev/null)
        set -l parts (string split \t -- $line)
        switch $parts[1]
            case files
                __fish_complete_path "$current"
            case folder
                printf '%s/\n' $parts[2]
            case '*'
                printf '%s\t%s\n' $parts[2] "$parts[3]"
        end
    end
end
complete -c fluxsecrets -f -a '(__fluxsecrets_complete)'
"""

SCRIPTS = MappingProxyType({"bash": _BASH, "zsh": _ZSH, "fish": _FISH})
"""Shell -> its script."""
