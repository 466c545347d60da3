
# Names that only the program knows.
_openkoi_kind() {
    case "$1 $2" in
        "soul undo") ;;
        "trust grant" | "trust revoke" | "trust audit") echo domains ;;
        "world tools") echo tools ;;
        "task show" | "task diff" | "task replay" | "task verify" | *" resume" | *" undo" | *" rewind")
            if [ "$1" = session ]; then echo sessions; else echo tasks; fi ;;
        "session show" | "session delete" | *" -r" | *" --resume" | *" --session") echo sessions ;;
        *" -m" | *" --model") echo models ;;
        *" connect" | *" disconnect" | "models list") echo providers ;;
        "plugin inspect" | "plugin remove") echo components ;;
        "learn show" | "learn accept" | "learn edit" | "learn later" | "learn never") echo proposals ;;
        "skill show" | "skill check" | "skill disable" | "skill enable") echo skills ;;
    esac
}
_openkoi_named() {
    local kind before=""
    [ "$COMP_CWORD" -gt 1 ] && before="${COMP_WORDS[COMP_CWORD-2]}"
    kind="$(_openkoi_kind "$before" "${COMP_WORDS[COMP_CWORD-1]}")"
    if [ -n "$kind" ]; then
        COMPREPLY=($(compgen -W "$(openkoi __complete "$kind" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        [ "${#COMPREPLY[@]}" -gt 0 ] && return 0
    fi
    _openkoi "$@"
}
complete -F _openkoi_named -o bashdefault -o default openkoi
