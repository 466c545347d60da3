
# Names that only the program knows.
_openkoi_named() {
    local kind="" before="${words[CURRENT-2]}" last="${words[CURRENT-1]}"
    case "$before $last" in
        "soul undo") ;;
        "trust grant" | "trust revoke" | "trust audit") kind=domains ;;
        "world tools") kind=tools ;;
        "session resume" | "session show" | "session delete" | *" -r" | *" --resume" | *" --session") kind=sessions ;;
        "task show" | "task diff" | "task replay" | "task verify" | *" resume" | *" undo" | *" rewind") kind=tasks ;;
        *" -m" | *" --model") kind=models ;;
        *" connect" | *" disconnect" | "models list") kind=providers ;;
        "plugin inspect" | "plugin remove") kind=components ;;
        "learn show" | "learn accept" | "learn edit" | "learn later" | "learn never") kind=proposals ;;
        "skill show" | "skill check" | "skill disable" | "skill enable") kind=skills ;;
    esac
    if [[ -n "$kind" ]]; then
        local -a names=(${(f)"$(openkoi __complete $kind 2>/dev/null)"})
        (( $#names )) && compadd -a names && return 0
    fi
    _openkoi "$@"
}
compdef _openkoi_named openkoi
