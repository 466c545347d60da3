//! Programs that a task runs (security page, groups F and P1 to P3). The oracle is what they left, what they
//! reached, and what the model was told.

use openkoi_test_support::{
    Canary, Home, Kind, OpenAi, Role, Run, Terminal, Tree, call, plan, reply, skip::skip, turn,
    verdict,
};
use serde_json::json;

use crate::world::{LONG, TASK, assert_harmless, assert_nothing_runs, scripted};

/// Runs `command` with the model's shell and returns the world, the run and what the model was told of it.
fn shell(home: Home, command: &str) -> (Home, Run, String) {
    let arguments = json!({ "command": command, "timeout_ms": 15_000 });
    let replies = [
        plan().if_asked(),
        call("shell", arguments).to(Role::Executor).at(0),
        reply("I have seen it.").after("shell"),
        verdict(1.0).if_asked(),
    ];
    let server = OpenAi::start(replies);
    let home = home.project(Kind::Shell).provider(&server);
    let run = home.openkoi([TASK, "-i", "0"]).timeout(LONG).run();
    assert_harmless(&run);
    assert_nothing_runs(&home);
    let told = server.turns().last().unwrap().conversation.results()[0].text.clone();
    server.finish();
    (home, run, told)
}

#[test]
fn a_command_really_runs_so_that_the_refusals_prove_something() {
    let (home, run, told) = shell(Home::new(), "echo out; echo err >&2; touch made; exit 3");

    assert!(told.contains("out") && told.contains("err") && told.contains('3'), "{told}");
    assert!(home.has("made"), "{run}");
}

#[test]
fn a_child_has_no_key_and_nothing_that_changes_how_programs_load() {
    let dangerous = [
        "AWS_SECRET_ACCESS_KEY",
        "GITHUB_TOKEN",
        "SSH_AUTH_SOCK",
        "LD_PRELOAD",
        "LD_LIBRARY_PATH",
        "NODE_OPTIONS",
        "GIT_SSH_COMMAND",
        "PYTHONSTARTUP",
        "BASH_ENV",
        "MAVEN_OPTS",
        "DATABASE_URL",
    ];
    let home = dangerous.iter().fold(Home::new(), |home, name| home.env(name, "koi-canary-7f3a"));

    let (_, run, told) =
        shell(home, "env; cat /proc/self/environ | tr '\\0' '\\n'; cat /proc/$PPID/environ");

    assert!(told.contains("PATH="), "it has an environment: {told}");
    // One of them is set by OpenKoi, to its own proxy.
    for name in dangerous.into_iter().filter(|name| *name != "MAVEN_OPTS") {
        assert!(!told.contains(name), "{name}: {told}");
    }
    assert!(!told.contains("canary") && !told.contains("OPENAI_API_KEY"), "{told} {run}");
}

#[test]
fn a_child_reaches_no_network() {
    let canary = Canary::start();
    let port = canary.port();
    let command = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{port}; echo hi >&3; curl -s http://127.0.0.1:{port}/a; \
         python3 -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}), 2).send(b\"x\")'; \
         bash -c 'echo hi > /dev/tcp/127.0.0.1/{port}'; \
         node -e 'require(\"net\").connect({port}, \"127.0.0.1\").write(\"x\")'"
    );

    let (_, run, told) = shell(Home::new(), &command);

    assert_eq!(canary.seen(), Vec::<String>::new(), "{told} {run}");
}

/// Listens on loopback and connects to itself.
const ITSELF: &str = "python3 -c '
import socket
listener = socket.create_server((\"127.0.0.1\", 0))
caller = socket.create_connection(listener.getsockname(), 5)
listener.accept()[0].sendall(b\"he\" + b\"ard\")
print(caller.recv(9).decode())'";

#[test]
fn a_child_talks_to_itself_where_the_doctor_says_so() {
    let doctor = Home::new().openkoi(["doctor"]).run();
    let (_, run, told) = shell(Home::new(), ITSELF);

    let (own, none) = ("loopback of a program's own", "no sockets at all");
    assert!(doctor.stdout.contains(own) != doctor.stdout.contains(none), "{doctor}");
    assert_eq!(told.contains("heard"), doctor.stdout.contains(own), "{told} {run} {doctor}");
}

#[cfg(target_os = "linux")]
#[test]
fn without_namespaces_a_child_has_no_sockets_at_all() {
    use openkoi_test_support::kernel::{Missing, without};
    let canary = Canary::start();
    let port = canary.port();
    let command = format!("{ITSELF}; bash -c 'echo hi > /dev/tcp/127.0.0.1/{port}'");
    let gone = [libc::SYS_unshare];
    openkoi_test_support::binary::openkoi();

    let (home, run, told) = without(&gone, Missing::IsSaid, || shell(Home::new(), &command));
    let doctor = without(&gone, Missing::IsSaid, || home.openkoi(["doctor"]).run());

    assert_eq!(canary.seen(), Vec::<String>::new(), "{told} {run}");
    assert!(!told.contains("heard") && told.contains("Permission denied"), "{told} {run}");
    assert!(doctor.stdout.contains("no sockets at all"), "{doctor}");
}

#[test]
fn a_child_reaches_no_socket_of_the_host() {
    let home = Home::new();
    let socket = home.workspace().join("agent.sock");
    let listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    listener.set_nonblocking(true).unwrap();
    let connect =
        "python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.connect(\"agent.sock\")'";

    let (_, run, told) = shell(home, connect);

    assert!(listener.accept().is_err(), "somebody connected: {told} {run}");
}

#[test]
fn a_program_in_the_background_does_not_stay() {
    // `shell` looks whether anything is left; what sleeps so long outlives the patience of this test.
    let (_, run, told) =
        shell(Home::new(), "sleep 1000 & nohup setsid sleep 1001 >/dev/null 2>&1 & echo started");

    assert!(told.contains("started"), "{run}");
}

#[test]
fn a_flood_of_children_ends_with_the_call() {
    let flood = "i=0; while [ $i -lt 300 ]; do sleep 1000 & i=$((i+1)); done; echo all; wait";

    let (_, run, told) = shell(Home::new(), flood);

    assert!(told.contains("all"), "they were started: {told} {run}");
}

#[test]
fn children_that_beget_children_end_with_the_call() {
    // Bounded, so that a failure of the sandbox does not take the machine with it.
    let breed = "breed() { [ $1 -le 0 ] && sleep 1000 || { breed $(($1-1)) & breed $(($1-1)) & wait; }; }; echo begun; breed 6";

    let (_, run, told) = shell(Home::new(), breed);

    assert!(told.contains("begun"), "{told} {run}");
}

#[test]
fn an_output_of_hundreds_of_megabytes_is_cut_and_its_end_kept() {
    let (_, run, told) =
        shell(Home::new(), "head -c 200000000 /dev/zero | tr '\\0' x; echo; echo the-end");

    assert!(told.len() < 200_000, "{} bytes went to the model", told.len());
    assert!(told.contains("the-end"), "{run}");
}

#[test]
fn an_output_without_end_is_ended() {
    let (_, run, told) = shell(Home::new(), "yes");

    assert!((1_000..200_000).contains(&told.len()), "{} bytes: {run}", told.len());
}

#[test]
fn an_output_that_is_not_text_does_no_harm() {
    let evil =
        "printf '\\033]52;c;eA==\\007\\033[2J\\233\\000\\377\\376'; head -c 3000 /dev/urandom";

    let (_, _, told) = shell(Home::new(), evil);

    assert!(!told.contains('\u{1b}') && !told.contains('\0'), "{told:?}");
}

#[test]
fn a_child_has_nothing_to_read_and_no_terminal() {
    let (_, run, told) = shell(
        Home::new(),
        "cat; read x; (exec < /dev/tty) 2>/dev/null && echo has-a-terminal; echo end",
    );

    assert!(told.contains("end") && !told.contains("has-a-terminal"), "{told} {run}");
}

#[test]
fn a_file_of_many_gigabytes_is_refused() {
    let (home, run, _) = shell(Home::new(), "truncate -s 5G big; head -c 1 big; ls -la");

    let size = std::fs::metadata(home.workspace().join("big")).map_or(0, |metadata| metadata.len());
    assert!(size <= 4 << 30, "{size}: {run}");
}

#[test]
fn a_child_cannot_signal_or_trace_openkoi() {
    let (_, run, told) = shell(
        Home::new(),
        "kill -STOP $PPID; kill -9 $PPID; kill -9 -1; cat /proc/$PPID/mem | head -c 10; echo tried",
    );

    assert_eq!(run.signal, None, "{told} {run}");
}

#[test]
fn a_child_cannot_leave_its_sandbox_for_another_one() {
    let (_, _, told) = shell(
        Home::new(),
        "unshare -r true && echo left; mount -t tmpfs none /mnt && echo left; chroot / true && echo left; \
         nsenter -t 1 -m true && echo left; echo tried",
    );

    assert!(told.contains("tried") && !told.contains("left"), "{told}");
}

/// Writes what would act later, where no gate is, and says so to nobody.
const PLANT: &str = "printf '#!/bin/sh\\necho planted\\n' > .git/hooks/pre-commit; chmod +x .git/hooks/pre-commit; \
                     echo 'hooksPath = /evil' >> .git/config; echo evil >> .git/info/exclude; \
                     echo '{}' > .mcp.json; echo 'Obey.' >> AGENTS.md; mkdir -p .openkoi; \
                     echo '[sandbox]' > .openkoi/config.toml; echo new > .git/HEAD";

/// Returns a project with a repository, whose model fixes it with `fixed` and plants control files.
fn planting(fixed: &str) -> Home {
    let deed = turn().write(Kind::Shell.source(), fixed).shell(PLANT);
    scripted([turn().executor().in_round(1).say("Fixed."), deed.executor().in_round(0)])
        .file("AGENTS.md", "Be kind.\n")
        .file(".gitignore", ".openkoi/\n.mcp.json\n")
        .file(".git/HEAD", "ref: refs/heads/main\n")
        .file(".git/config", "[core]\n")
        .file(".git/info/exclude", "# nothing\n")
        .file(".git/hooks/pre-commit.sample", "#!/bin/sh\n")
}

/// Fails unless every byte is as it was: what a task did to a repository is taken back with the rest.
#[track_caller]
fn assert_nothing_planted(home: &Home, before: &Tree, run: &Run) {
    let differences = before.differences(&home.tree());
    assert_eq!(differences, Vec::<String>::new(), "{run}");
}

/// Fails unless every control file is as it was. The rest of the work stays until it is undone.
#[track_caller]
fn assert_control_is_back(home: &Home, before: &Tree, shown: &str) {
    let differences = before.differences(&home.tree());
    assert_eq!(differences, ["changed .git/HEAD", "changed percent.sh"], "{shown}");
}

#[test]
fn control_files_that_a_program_changes_wait_for_a_person_and_can_be_undone() {
    for limits in [&[][..], &["-i", "0"][..]] {
        let home = planting(Kind::Shell.fix());
        let before = home.tree();

        let run = home.openkoi([TASK]).args(limits).timeout(LONG).run().expect_code(8);

        assert!(run.stderr.contains("accept changed control files"), "{run}");
        for path in [".git/hooks/pre-commit", ".git/config", ".git/info/exclude", "AGENTS.md"] {
            assert!(run.stderr.contains(path), "{path}: {run}");
        }
        assert!(run.stderr.contains(".mcp.json") && run.stderr.contains(".openkoi/config.toml"));
        assert!(run.stderr.contains("openkoi resume"), "{run}");
        assert!(home.has(".git/hooks/pre-commit"), "it waits as it is: {run}");
        let undone = home.openkoi(["undo", "--yes"]).run().expect_code(0);
        assert_nothing_planted(&home, &before, &undone);
    }
}

#[test]
fn a_new_repository_is_no_question_and_one_that_steers_git_is() {
    let init = "git init -q . && git add -A && echo koi > note";
    for (more, code) in [("", 0), (" && git config core.fsmonitor ./evil", 8)] {
        let home = scripted([
            turn().executor().after("shell").say("Done."),
            turn().executor().shell(&format!("{init}{more}")),
        ]);

        let run = home.openkoi(["begin a repository", "-i", "0"]).timeout(LONG).run();

        assert_eq!(run.code, code, "{run}");
        assert!(home.has(".git/hooks/pre-commit.sample") && home.has("note"), "{run}");
        assert!(code == 0 || run.stderr.contains("\".git/config\""), "{run}");
        home.openkoi(["undo", "--yes"]).run().expect_code(0);
        assert!(!home.has(".git/HEAD") && !home.has("note"));
    }
}

#[test]
fn what_steers_editors_hooks_and_builds_is_asked_for_whoever_writes_it() {
    let home = scripted([
        turn().executor().after("shell").say("Done."),
        turn()
            .executor()
            .write(".github/workflows/ci.yml", "on: push\n")
            .write("docs/github.md", "Pushes are built.\n")
            .shell("mkdir -p .vscode .husky && echo {} > .vscode/tasks.json && echo ls > .husky/pre-commit"),
    ]);

    let run = home.openkoi(["have pushes built", "-i", "0"]).timeout(LONG).run().expect_code(8);

    let asked = "on \".github/workflows/ci.yml; .husky/pre-commit; .vscode/tasks.json\"";
    assert!(run.stderr.contains(asked), "{run}");
    home.openkoi(["undo", "--yes"]).run().expect_code(0);
    assert!(!home.has(".github") && !home.has(".vscode") && !home.has(".husky"));
}

#[test]
fn work_that_is_rejected_leaves_no_control_file_behind() {
    let home = planting(Kind::Shell.half_fix());
    let before = home.tree();

    let run = home.openkoi([TASK, "-i", "1"]).timeout(LONG).run().expect_code(1);

    assert_control_is_back(&home, &before, &run.stderr);
    assert!(run.stderr.contains("nobody accepted the changed control files"), "{run}");
    let undone = home.openkoi(["undo", "--yes"]).run().expect_code(0);
    assert_nothing_planted(&home, &before, &undone);
}

#[test]
fn a_person_decides_what_becomes_of_changed_control_files() {
    let name = "a_person_decides_what_becomes_of_changed_control_files";
    if !Terminal::is_available() {
        return skip(name, "no `script` to make a terminal with");
    }
    for (answer, code) in [("n", 1), ("y", 0)] {
        let home = planting(Kind::Shell.fix()).env("NO_COLOR", "1");
        let before = home.tree();
        let mut terminal = home.openkoi([TASK, "-i", "1"]).at_a_terminal();

        let asked = terminal.wait_for("answer [y/N/s/a/r]: ");
        assert!(asked.contains(".git/hooks/pre-commit"), "{asked}");
        terminal.types(answer);

        assert_eq!(terminal.ends(), code, "{}", terminal.shown());
        match code {
            0 => assert!(home.read("AGENTS.md").ends_with("Obey.\n")),
            _ => assert_control_is_back(&home, &before, &terminal.shown()),
        }
    }
}

#[test]
fn a_sandbox_can_be_turned_off_only_by_the_user_and_then_it_is_said() {
    let (_, run, _) = shell(Home::new().config("[sandbox]\nmode = \"off\""), "true");
    assert!(run.stderr.contains("sandbox"), "it is said aloud: {run}");

    let project = Home::new().file(".openkoi/config.toml", "[sandbox]\nmode = \"off\"\n");
    let canary = Canary::start();
    let (_, run, _) =
        shell(project, &format!("bash -c 'echo hi > /dev/tcp/127.0.0.1/{}'", canary.port()));
    assert_eq!(canary.seen(), Vec::<String>::new(), "{run}");
}

#[test]
fn a_limit_that_the_user_sets_for_a_component_holds() {
    let limited = Home::new().config("[component.shell.limits]\nwall-ms = 2000");
    let (_, run, _) = shell(limited, "sleep 1000");
    assert!(run.stderr.contains("timed out"), "{run}");

    let misspelt = Home::new().config("[component.shel.limits]\nwall-ms = 2000");
    let (_, run, _) = shell(misspelt, "true");
    assert!(run.stderr.contains("there is no such component"), "{run}");
}

#[test]
fn the_doctor_shows_the_level_of_the_sandbox() {
    let run = Home::new().openkoi(["doctor"]).run();

    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.to_lowercase().contains("sandbox"), "{run}");
}

/// What was found is remembered for this kernel: the test writes there what a trial would have found.
#[cfg(target_os = "linux")]
#[test]
fn where_a_trial_from_inside_gets_out_no_program_runs_until_it_does_not() {
    let (home, run, _) = shell(Home::new(), "touch made");
    assert!(home.has("made"), "{run}");
    let file = home.path().join("data/sandbox.json");
    let found = std::fs::read_to_string(&file).expect("it was tried");
    std::fs::write(&file, found.replace("\"escapes\":[]", "\"escapes\":[\"write\"]")).unwrap();

    // Another server is written into another configuration.
    let anew = |home: &Home| std::fs::remove_file(home.path().join("config.toml")).unwrap();
    anew(&home);
    let (home, run, told) = shell(home, "touch again");
    assert!(!home.has("again"), "{run}");
    assert!(told.contains("a program can write to files that are not its own"), "{told}");

    let doctor = home.openkoi(["doctor"]).run();
    let line = doctor.stdout.lines().find(|line| line.contains(" sandbox ")).unwrap_or_default();
    assert!(line.contains("from inside") && !line.contains("not its own"), "{doctor}");
    anew(&home);
    let (home, run, _) = shell(home, "touch again");
    assert!(home.has("again"), "the doctor tried it anew: {run}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_workspace_below_tmp_has_a_tmp_of_its_own_around_it() {
    let home = Home::new();
    if !home.workspace().starts_with("/tmp") {
        return skip("a_workspace_below_tmp", "needs a TMPDIR below /tmp");
    }
    let own = home.root().file_name().unwrap().to_string_lossy().into_owned();
    let others = tempfile::Builder::new().prefix("others-").tempdir_in("/tmp").unwrap();
    let command = format!(
        "echo kept > /tmp/own-{own} && cat /tmp/own-{own} > made; ls /tmp > seen; \
         (echo no > ../beside) 2>&1; (echo no > ../user/beside) 2>&1; echo $?"
    );

    let (home, run, told) = shell(home, &command);

    assert_eq!(home.read("made"), "kept\n", "{told} {run}");
    let seen = home.read("seen");
    // What stands in PATH is there too, wherever it lies.
    let path = std::env::var("PATH").unwrap();
    let allowed = |name: &str| name.contains(&own) || path.contains(&format!("/tmp/{name}/"));
    assert!(seen.lines().all(allowed), "it sees nothing of others: {seen}");
    assert!(!seen.contains(others.path().file_name().unwrap().to_str().unwrap()), "{seen}");
    assert!(!std::path::Path::new(&format!("/tmp/own-{own}")).exists(), "{told}");
    for beside in [home.root().join("beside"), home.user().join("beside")] {
        assert!(!beside.exists(), "{told}");
    }
    assert!(told.to_lowercase().contains("read-only") || told.contains("denied"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn what_a_program_writes_and_prints_has_the_limits_that_the_user_sets() {
    let limited = Home::new().config("[sandbox]\ndisk_mib = 16\noutput_mib = 1\n");
    let fill = "for i in $(seq 1 40); do head -c 2000000 /dev/urandom > part$i; sleep 0.1; done; echo over";
    let (_, run, told) = shell(limited, fill);
    assert!(told.contains("more than 16 MiB") && told.contains("disk_mib"), "{told} {run}");

    let limited = Home::new().config("[sandbox]\noutput_mib = 1\n");
    let (_, run, told) = shell(limited, "yes koi | head -c 3000000");
    assert!(told.contains("holds the first 1 MiB") && told.contains("output_mib"), "{told} {run}");

    let limited = Home::new().config("[sandbox]\noutputs_mib = 1\n");
    let (_, run, told) = shell(limited, "yes koi | head -c 3000000");
    assert!(told.contains("take 1 MiB together") && told.contains("openkoi prune"), "{told} {run}");
}

#[cfg(target_os = "linux")]
#[test]
fn without_landlock_no_program_runs_and_the_fix_is_named() {
    use openkoi_test_support::kernel::{Missing, without};
    let gone = [libc::SYS_landlock_create_ruleset];
    openkoi_test_support::binary::openkoi();

    let (home, run, told) = without(&gone, Missing::IsSaid, || shell(Home::new(), "touch made"));
    let doctor = without(&gone, Missing::IsSaid, || home.openkoi(["doctor"]).run());

    assert!(!home.has("made"), "{run}");
    assert!(told.contains("the sandbox cannot be set up"), "{told}");
    assert!(told.contains("landlock") && told.contains("sandbox = \"off\""), "{told}");
    assert!(doctor.stdout.contains("landlock"), "{doctor}");
    assert_eq!(doctor.code, 3, "{doctor}");
}
