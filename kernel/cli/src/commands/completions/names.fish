
# Names that only the program knows.
complete -c openkoi -n '__fish_seen_subcommand_from task; and __fish_seen_subcommand_from show diff replay verify' -f -a '(openkoi __complete tasks 2>/dev/null)'
complete -c openkoi -n '__fish_seen_subcommand_from resume undo rewind; and not __fish_seen_subcommand_from session soul' -f -a '(openkoi __complete tasks 2>/dev/null)'
complete -c openkoi -n '__fish_seen_subcommand_from session; and __fish_seen_subcommand_from show resume delete' -f -a '(openkoi __complete sessions 2>/dev/null)'
complete -c openkoi -s r -l resume -f -a '(openkoi __complete sessions 2>/dev/null)'
complete -c openkoi -s m -l model -f -a '(openkoi __complete models 2>/dev/null)'
complete -c openkoi -n '__fish_seen_subcommand_from connect disconnect' -f -a '(openkoi __complete providers 2>/dev/null)'
complete -c openkoi -n '__fish_seen_subcommand_from plugin' -f -a '(openkoi __complete components 2>/dev/null)'
complete -c openkoi -n '__fish_seen_subcommand_from skill; and __fish_seen_subcommand_from show check disable enable' -f -a '(openkoi __complete skills 2>/dev/null)'
complete -c openkoi -n '__fish_seen_subcommand_from learn; and __fish_seen_subcommand_from show accept edit later never' -f -a '(openkoi __complete proposals 2>/dev/null)'
complete -c openkoi -n '__fish_seen_subcommand_from trust; and __fish_seen_subcommand_from grant revoke audit' -f -a '(openkoi __complete domains 2>/dev/null)'
complete -c openkoi -n '__fish_seen_subcommand_from world; and __fish_seen_subcommand_from tools' -f -a '(openkoi __complete tools 2>/dev/null)'
