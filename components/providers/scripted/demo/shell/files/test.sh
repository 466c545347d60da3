#!/bin/sh
# Prints a line for each test, and fails if one of them does.
cd "$(dirname "$0")" || exit 2
. ./slug.sh

number=0
failed=0

# check NAME TITLE EXPECTED
check() {
    number=$((number + 1))
    got=$(slug "$2")
    if [ "$got" = "$3" ]; then
        echo "ok $number - $1"
    else
        failed=1
        echo "not ok $number - $1"
        echo "# got '$got', wanted '$3'"
    fi
}

check 'words are joined by hyphens' 'Hello World' 'hello-world'
check 'other characters make one hyphen' 'this & that, or -- neither' 'this-that-or-neither'
check 'the ends have no hyphen' '  Hello, World!  ' 'hello-world'
echo "1..$number"
exit $failed
