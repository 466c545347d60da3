//! Long streams of each wire format, read by the bundled component on the real host and by the same code natively:
//! `tests/benches/run streams` builds this program with the profile of the product and prints its tables.
//!
//! [`mod@format`] says which formats there are; each stream is written by the strict server of its format. [`tape`]
//! hands it out piece by piece, to the host in place of a connection and to the native codec alike. Both sides end
//! with the same text, or the measurement stops.

#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a program that prints tables, and stops when it cannot go on"
)]

#[path = "../../src/built_in.rs"]
mod built_in;
mod format;
#[path = "../../src/process.rs"]
mod process;
#[path = "../../src/table.rs"]
mod table;
mod tape;

use std::{env, process::Command, sync::Arc, time::Instant};

use openkoi_core::{
    credential::SecretSource,
    message::{Message, Prompt, Role},
    port::{Delta, Model},
};
use openkoi_host::kinds::provider::{CatalogModels, ProviderSettings};
use openkoi_testing::World;

use crate::{
    format::{Format, formats},
    table::Spread,
    tape::{Pieces, Recording, Tape},
};

/// The length of the streams that are timed, and of the one whose memory is taken.
const BYTES: usize = 4_000_000;
const LONG: usize = 50_000_000;
/// What arrives at once on a fast connection: one record of TLS.
const RECORD: usize = 16 << 10;
const RUNS: usize = 7;
const NATIVE: &str = "native";

/// What reading one stream took.
struct Took {
    wall: f64,
    cpu: f64,
    /// From the first byte to the first text, in microseconds.
    first: f64,
    /// How many bytes of text there were.
    text: usize,
}

/// One way to read a stream.
type Reader<'a> = &'a dyn Fn(Pieces) -> Took;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.as_slice() {
        // How this program calls itself, for memory that nothing else has used.
        [format, side] => child(format, side),
        _ => print(),
    }
}

/// Prints how fast streams are read, and what memory they take.
fn print() {
    let formats = formats();
    let recordings: Vec<_> = formats.iter().map(|format| format.record(BYTES)).collect();
    let both = || formats.iter().zip(&recordings);
    let head = ["in records of 16 KiB", "MB", "events", "component MB/s", "native MB/s", "ratio"];
    let rows: Vec<_> = both().map(|(format, stream)| throughput(format, stream)).collect();
    table::print(&format!("Streams: throughput, the best of {RUNS}"), head, &rows);
    let head = ["one event at a time", "component", "native", "ratio", "first text µs", "native"];
    let rows: Vec<_> = both().map(|(format, stream)| events(format, stream)).collect();
    table::print(&format!("Streams: CPU ms per 1,000 events, the best of {RUNS}"), head, &rows);
    println!(
        "\nThe component's side is all that a turn has but the connection: instance, pieces copied in, events copied \
         out, turn put together, text shown. First text: from the first byte to the first text shown, median."
    );
    let rows: Vec<_> = formats.iter().flat_map(memory).collect();
    let head = ["a stream of 50 MB", "text MB", "before MiB", "peak MiB", "more MiB"];
    table::print("Streams: resident memory of a process that reads one", head, &rows);
}

fn throughput(format: &Format, stream: &Arc<Recording>) -> [String; 6] {
    let megabytes = stream.len() as f64 / 1e6;
    let speed = |took: Vec<Took>| megabytes / least(&took, |took| took.wall) * 1e6;
    let [inside, native] = measure(format, stream, Some(RECORD)).map(speed);
    let (size, count) = (format!("{megabytes:.1}"), stream.count().to_string());
    let speeds = [inside, native].map(|speed| format!("{speed:.1}"));
    let [inside_cell, native_cell] = speeds;
    let ratio = format!("{:.2}", native / inside);
    [format.name.to_owned(), size, count, inside_cell, native_cell, ratio]
}

fn events(format: &Format, stream: &Arc<Recording>) -> [String; 6] {
    let both = measure(format, stream, None);
    let thousands = stream.count() as f64 / 1e3;
    let [inside, native] =
        both.each_ref().map(|took| least(took, |took| took.cpu) / 1e3 / thousands);
    let firsts = both.map(|took| Spread::of(took.iter().map(|took| took.first)).cells(0));
    let [[_, first], [_, first_native]] = firsts;
    let cells = [inside, native].map(|millis| format!("{millis:.2}"));
    let [inside_cell, native_cell] = cells;
    let ratio = format!("{:.2}", inside / native);
    [format.name.to_owned(), inside_cell, native_cell, ratio, first, first_native]
}

fn least(took: &[Took], of: fn(&Took) -> f64) -> f64 {
    Spread::of(took.iter().map(of)).least
}

/// Reads `stream` again and again on both sides, which take turns, so that a busy machine is busy for both.
fn measure(format: &Format, stream: &Arc<Recording>, piece: Option<usize>) -> [Vec<Took>; 2] {
    let provider = Provider::new(format);
    let readers: [Reader<'_>; 2] =
        [&|pieces| provider.read(pieces), &|pieces| native(format, pieces)];
    let mut took = [Vec::new(), Vec::new()];
    for run in 0..=RUNS {
        for (reader, took) in readers.iter().zip(&mut took) {
            let one = reader(Pieces::new(stream, piece));
            assert_eq!(one.text, stream.text(), "{}: some text is lost", format.name);
            // The first warms everything up.
            if run > 0 {
                took.push(one);
            }
        }
    }
    took
}

/// Reads a stream with the codec alone.
fn native(format: &Format, mut pieces: Pieces) -> Took {
    let (begun, cpu) = (Instant::now(), process::cpu_micros());
    let (text, first) = (format.native)(&mut pieces);
    let micros = |from: Instant, to: Instant| to.duration_since(from).as_secs_f64() * 1e6;
    Took {
        wall: micros(begun, Instant::now()),
        cpu: process::cpu_micros() - cpu,
        first: first.map_or(0.0, |first| micros(begun, first)),
        text,
    }
}

/// A provider on the real host, whose connection is a tape.
struct Provider {
    runtime: tokio::runtime::Runtime,
    tape: Arc<Tape>,
    models: CatalogModels,
    _world: World,
}

impl Provider {
    fn new(format: &Format) -> Self {
        let tape = Arc::new(Tape::default());
        let mut world = World::new();
        world.variable("KEY", "k").load_built([built_in::one(format.component)]);
        world.transport(Arc::<Tape>::clone(&tape));
        let options = format.options.iter();
        let settings = ProviderSettings {
            base_url: Some("https://api.example.com/v1".to_owned()),
            credential: vec![SecretSource::Variable("KEY".to_owned())],
            options: options.map(|(name, value)| ((*name).into(), (*value).into())).collect(),
            ..ProviderSettings::default()
        };
        let models = world.models(settings, format.model);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        Self { runtime: runtime.expect("the runtime starts"), tape, models, _world: world }
    }

    fn read(&self, pieces: Pieces) -> Took {
        self.tape.insert(pieces);
        let messages = vec![Message::user("say much")];
        let prompt = Prompt { messages, ..Prompt::default() };
        let shown = |delta: Delta<'_>| {
            let text = matches!(delta, Delta::Text(_));
            if text {
                self.tape.heard();
            }
            text
        };
        let (begun, cpu) = (Instant::now(), process::cpu_micros());
        let role = Role::new(Role::EXECUTOR);
        let turn = self.runtime.block_on(self.models.complete(&role, &prompt, &shown));
        let (wall, cpu) = (begun.elapsed().as_secs_f64() * 1e6, process::cpu_micros() - cpu);
        let text = turn.expect("the stream is a turn").text().len();
        Took { wall, cpu, first: self.tape.first_micros(), text }
    }
}

fn memory(format: &Format) -> [[String; 5]; 2] {
    let own = env::current_exe().expect("a program knows its own path");
    ["component", NATIVE].map(|side| {
        let output = Command::new(&own).args([format.name, side]).output();
        let output = output.expect("it starts");
        let said = String::from_utf8_lossy(&output.stdout);
        let numbers = said.split_whitespace().map(|word| word.parse::<f64>().ok());
        let numbers: Option<Vec<f64>> = numbers.collect();
        let name = format!("{}, {side}", format.name);
        let Some([before, peak, text]) = numbers.as_deref() else {
            panic!("{name}: {}", String::from_utf8_lossy(&output.stderr))
        };
        let mib = |kib: f64| format!("{:.1}", kib / 1024.0);
        [name, format!("{:.1}", text / 1e6), mib(*before), mib(*peak), mib(peak - before)]
    })
}

/// Reads one long stream of `format` and prints the memory before it and at most, in KiB, and the bytes of text.
fn child(format: &str, side: &str) {
    let format =
        formats().into_iter().find(|one| one.name == format).expect("there is such a format");
    let (warm, stream) = (format.record(0), format.record(LONG));
    let provider = Provider::new(&format);
    let read = |stream| match side {
        NATIVE => native(&format, Pieces::new(stream, Some(RECORD))),
        _ => provider.read(Pieces::new(stream, Some(RECORD))),
    };
    // What is loaded once is not part of a stream.
    read(&warm);
    let before = process::memory_kib("VmRSS");
    let took = read(&stream);
    println!("{before} {} {}", process::memory_kib("VmHWM"), took.text);
}
