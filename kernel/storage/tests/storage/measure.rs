//! t
use crate::support::{Home, append, begin, turn};
use openkoi_storage::{Storage, sessions::SessionQuery, tasks::TaskQuery};
#[test]
#[ignore = "measures"]
fn cost() {
    let home = Home::new();
    let storage = home.open();
    for n in 0..100 {
        let task = begin(&storage, &n.to_string(), &(n / 3).to_string(), "some text", n);
        for i in 0..5 {
            append(&storage, &task, "k", i, turn("executor", "p/m", &"words ".repeat(500), 10, 5));
        }
        append(&storage, &task, "end", 9, crate::support::paused("x"));
    }
    drop(storage);
    let cpu = || {
        let t = std::fs::read_to_string("/proc/self/schedstat").unwrap();
        t.split(' ').next().unwrap().parse::<u64>().unwrap()
    };
    for _ in 0..5 {
        let a = cpu();
        let storage = Storage::open(home.places()).unwrap();
        let b = cpu();
        storage.tasks(&TaskQuery { limit: Some(10), ..Default::default() }).unwrap();
        storage.sessions(&SessionQuery { limit: Some(10), ..Default::default() }).unwrap();
        storage.usage(0).unwrap();
        storage.spent_since(0).unwrap();
        storage.interrupted_tasks().unwrap();
        let c = cpu();
        drop(storage);
        let d = cpu();
        eprintln!(
            "open {} us, queries {} us, close {} us",
            (b - a) / 1000,
            (c - b) / 1000,
            (d - c) / 1000
        );
    }
}
