# fish completion of otactl: what it knows, otactl knows (ctl/complete.h).

function __otactl_complete
    set -l words (commandline -opc)
    set -l said (otactl complete $words[2..-1] (commandline -ct) 2>/dev/null)
    if contains -- :file $said
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $said
    end
end

complete -c otactl -f -a '(__otactl_complete)'
