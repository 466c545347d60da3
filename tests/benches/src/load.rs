//! Loading a component: from its embedded bytes (decompressed, deserialized, admitted, linked) to where it can be
//! instantiated. It happens once in a process, so each measurement is a process of its own. The file of the
//! program is in the system's cache, as it is for a command that is used now and then.

use std::{env, process::Command, time::Instant};

use openkoi_host::{catalog::Embedded, kinds::preload};
use openkoi_testing::World;

use crate::{
    built_in, process,
    table::{self, Spread},
};

/// The word by which this program asks itself for one measurement.
pub(crate) const CHILD: &str = "load";
const PROCESSES: usize = 25;

/// One load.
struct Loaded {
    micros: f64,
    resident_kib: f64,
    anonymous_kib: f64,
}

/// Prints what every component takes.
pub(crate) fn print() {
    let rows: Vec<_> = built_in::all().map(|component| row(&component)).collect();
    let head = [
        "component",
        "wasm kB",
        "embedded kB",
        "native kB",
        "first µs",
        "median",
        "further µs",
        "median",
        "resident KiB",
        "anonymous KiB",
    ];
    table::print("Components: cold load in a new process", head, &rows);
    println!(
        "\nFirst: with the start of the engine and the linker of its kind, which the first component of a process \
         pays. Further: another of its kind is loaded. Memory: what the further load adds, median."
    );
}

fn row(component: &Embedded) -> [String; 10] {
    let sibling = built_in::all()
        .find(|other| other.kind == component.kind && other.name != component.name)
        .expect("every kind has two");
    let first = measure(&[component.name]);
    let further = measure(&[sibling.name, component.name]);
    let spread = |loads: &[Loaded], of: fn(&Loaded) -> f64| Spread::of(loads.iter().map(of));
    let kb = |bytes: usize| format!("{:.0}", bytes as f64 / 1e3);
    let [first, first_median] = spread(&first, |load| load.micros).cells(0);
    let [more, more_median] = spread(&further, |load| load.micros).cells(0);
    let [_, resident] = spread(&further, |load| load.resident_kib).cells(0);
    let [_, anonymous] = spread(&further, |load| load.anonymous_kib).cells(0);
    let [wasm, native] = [component.wasm_len, component.code_len].map(kb);
    let name = format!("{} {}", component.kind.word(), component.name);
    let embedded = kb(component.code.len());
    [name, wasm, embedded, native, first, first_median, more, more_median, resident, anonymous]
}

/// Asks new processes to load `components` and tell about the last one.
fn measure(components: &[&str]) -> Vec<Loaded> {
    let own = env::current_exe().expect("a program knows its own path");
    let once = |_| {
        let output = Command::new(&own).arg(CHILD).args(components).output().expect("it starts");
        let text = String::from_utf8_lossy(&output.stdout);
        let mut numbers = text.split_whitespace().map(|word| word.parse().expect("it is a number"));
        let mut next = || numbers.next().expect("there are three numbers");
        Loaded { micros: next(), resident_kib: next(), anonymous_kib: next() }
    };
    (0..PROCESSES).map(once).collect()
}

/// Loads `first` and then, if it is named, `then`; prints what the last of them took.
pub(crate) fn child(first: &str, then: Option<&str>) {
    let mut world = World::new();
    let host = world.load_built(built_in::all()).host();
    if then.is_some() {
        preload(&host, first).expect("it loads");
    }
    let measured = then.unwrap_or(first);
    let (resident, anonymous) = memory();
    let begun = Instant::now();
    preload(&host, measured).expect("it loads");
    let micros = begun.elapsed().as_secs_f64() * 1e6;
    let (more, more_anonymous) = memory();
    println!("{micros} {} {}", more - resident, more_anonymous - anonymous);
}

/// Returns resident and anonymous memory of this process in KiB.
fn memory() -> (i64, i64) {
    (process::memory_kib("VmRSS"), process::memory_kib("RssAnon"))
}
