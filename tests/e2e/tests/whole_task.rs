//! What whole tasks over the strict servers have in common, whatever the wire format.

use openkoi_test_support::{
    Home, Kind, Received, Reply, Role, call, reply,
    server::{Server, Wire},
    verdict,
};
use serde_json::json;

use crate::world::{LONG, TASK};

/// The replies of a model that looks, fixes and says so; each travels as `way` has it.
pub(crate) fn honest(way: impl Fn(Reply) -> Reply) -> Vec<Reply> {
    let kind = Kind::Shell;
    let look = call("read_file", json!({ "path": "percent.sh" }))
        .and_call("read_file", json!({ "path": "test.sh" }))
        .to(Role::Executor)
        .at(0);
    let fix = call("write_file", json!({ "path": kind.source(), "contents": kind.fix() }));
    let done = reply("`percent` rounds now, and nothing of nothing is nothing – „fertig“.");
    let replies = [look, fix.after("read_file"), done.after("write_file"), verdict(9.0)];
    replies.into_iter().map(way).collect()
}

/// Runs the task in `home`, checks what both sides saw, and returns the turns.
pub(crate) fn fixes_in<W: Wire>(home: &Home, server: Server<W>, flags: &[&str]) -> Vec<Received> {
    let run = home.openkoi([&[TASK], flags].concat()).timeout(LONG).run();

    assert_eq!(run.code, 0, "{run}");
    assert!(run.stdout.contains("nothing of nothing is nothing – „fertig“."), "{run}");
    assert_eq!(home.read("percent.sh"), Kind::Shell.fix());
    assert_eq!(home.read("test.sh"), Kind::Shell.text("test.sh"));
    use Role::{Evaluator, Executor};
    assert_eq!(server.roles(), [Executor, Executor, Executor, Evaluator]);
    let turns = server.turns();
    server.finish();
    turns
}

/// As [`fixes_in`], in a world with nothing but this server.
pub(crate) fn fixes<W: Wire>(replies: Vec<Reply>) -> Vec<Received> {
    let server = Server::<W>::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);
    fixes_in(&home, server, &[])
}

/// Does the task where the first request meets `trouble`, which costs one turn more.
pub(crate) fn gets_over<W: Wire>(trouble: Reply) {
    five_turns::<W>([vec![trouble], honest(|reply| reply)].concat());
}

/// Does the task where the conversation is said to be too long in the middle.
pub(crate) fn shortens<W: Wire>(overflow: Reply) {
    let mut replies = honest(|reply| reply);
    replies.insert(2, overflow.after("write_file"));
    five_turns::<W>(replies);
}

fn five_turns<W: Wire>(replies: Vec<Reply>) {
    let server = Server::<W>::start(replies);
    let home = Home::new().project(Kind::Shell).provider(&server);

    home.openkoi([TASK]).timeout(LONG).run().expect_code(0);

    assert_eq!(server.turns().len(), 5);
    server.finish();
}

/// Makes the tests that every wire format has.
macro_rules! whole_tasks {
    ($wire:ty) => {
        #[test]
        fn a_task_is_planned_done_and_judged() {
            crate::whole_task::fixes::<$wire>(crate::whole_task::honest(|reply| reply));
        }

        #[test]
        fn a_task_survives_streams_of_single_bytes() {
            let byte_by_byte = openkoi_test_support::Reply::byte_by_byte;
            crate::whole_task::fixes::<$wire>(crate::whole_task::honest(byte_by_byte));
        }

        #[test]
        fn a_task_survives_streams_cut_anywhere() {
            for seed in 1..=4 {
                let cut = crate::whole_task::honest(|reply| reply.cut_by(seed));
                crate::whole_task::fixes::<$wire>(cut);
            }
        }
    };
}
pub(crate) use whole_tasks;
