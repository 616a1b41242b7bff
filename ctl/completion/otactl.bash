# bash completion of otactl: what it knows, otactl knows (ctl/complete.h).

_otactl() {
	local words=() word value known candidate about

	# bash takes = and : for ends of words.
	for word in "${COMP_WORDS[@]:1:COMP_CWORD}"; do
		if [[ ${#words[@]} -gt 0 && ($word == [=:]* || ${words[-1]} == *[=:]) ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
	done
	value=${words[-1]#--*=}
	known=${value%"${value##*:}"}
	COMPREPLY=()
	while IFS=$'\t' read -r candidate about; do
		if [[ $candidate == :file ]]; then
			compopt -o filenames 2>/dev/null
			mapfile -t COMPREPLY < <(compgen -f -- "$value")
		else
			COMPREPLY+=("${candidate#"$known"}")
		fi
	done < <(otactl complete "${words[@]}" 2>/dev/null)
}

complete -F _otactl otactl
