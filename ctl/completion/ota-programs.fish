# fish completion of ota-agent and ota-gateway: the options of their --help; every value is a file.

function __ota_programs_options
    $argv --help 2>/dev/null | string match -rg '^ +(?:-[a-zA-Z], )?(--[a-z-]+)(?: \S+)? +(.+)$' | while read -l option
        read -l about
        printf '%s\t%s\n' $option $about
    end
end

for program in ota-agent ota-gateway
    complete -c $program -n 'string match -q -- "-*" (commandline -ct)' -f -a "(__ota_programs_options $program)"
end
