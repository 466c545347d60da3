# Prints its argument as the part of an address that names a page: lower case, words joined by one hyphen.
slug() {
    printf '%s\n' "$1" | tr 'A-Z' 'a-z' | tr ' ' '-'
}
