# bash completion of ota-agent and ota-gateway: the options of their --help; every value is a file.

_ota_programs() {
	local typed=${COMP_WORDS[COMP_CWORD]}

	if [[ $typed == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$("$1" --help 2>/dev/null | grep -oE '^ +(-[a-zA-Z], )?--[a-z-]+' | grep -oE -- '--[a-z-]+')" \
			-- "$typed")
	else
		compopt -o filenames 2>/dev/null
		mapfile -t COMPREPLY < <(compgen -f -- "$typed")
	fi
}

complete -F _ota_programs ota-agent ota-gateway
