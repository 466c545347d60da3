//! Recall: what it finds of `data/recall.txt` by words, by meaning and by both, how long it takes with 100,000 sentences, and
//! how long texts take to become vectors.

use std::{path::Path, time::Instant};

use openkoi_core::{
    memory::{Change, Learning, Moment, Source, State, Uses, ranking::ranked},
    port::{Embedder, Purpose, Vectors},
};
use openkoi_host::{catalog::Catalog, kinds::embedder::CatalogEmbedder};
use openkoi_storage::{
    Storage,
    memory::{LearningQuery, Question},
};
use openkoi_testing::{World, target_directory};

use crate::{
    built_in,
    table::{self, Spread},
};

/// Questions with the note that answers each, and notes that do not.
const NOTES: &str = include_str!("../data/recall.txt");
/// Words to make sentences of.
const WORDS: &str = include_str!("../../../components/embedders/static/vocab.txt");

const MANY: usize = 100_000;
const AT_ONCE: usize = 256;
const LOOKED_AT: u32 = 64;
const QUESTIONS: usize = 60;
const HERE: &str = "/pond";

/// Prints what is found, and what it takes.
pub(crate) fn print() {
    let home = tempfile::tempdir_in(target_directory()).expect("a directory can be made");
    let bench = Bench::new(home.path());
    bench.quality();
    bench.speed();
}

struct Bench<'a> {
    home: &'a Path,
    /// It has the brokers of the host.
    _world: World,
    embedder: CatalogEmbedder,
    runtime: tokio::runtime::Runtime,
    first: [f64; 2],
}

impl<'a> Bench<'a> {
    fn new(home: &'a Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("there is a runtime");
        let code = home.join("code");
        // Compiled once, and then loaded as another process would.
        let mut first = [0.0; 2];
        let mut last = None;
        for took in &mut first {
            let catalog = Catalog::new(built_in::all()).keeping(code.clone());
            let mut world = World::of(catalog);
            let embedder = CatalogEmbedder::of(&world.host()).expect("there is an embedder");
            *took = millis(|| drop(embed(&runtime, &embedder, &["hello".to_owned()])));
            last = Some((world, embedder));
        }
        let (world, embedder) = last.expect("it was made twice");
        Self { home, _world: world, embedder, runtime, first }
    }

    fn embed(&self, texts: &[String]) -> Vectors {
        embed(&self.runtime, &self.embedder, texts)
    }

    fn storage(&self, name: &str, texts: &[String]) -> Storage {
        let storage = Storage::open(&self.home.join(name)).expect("it opens");
        let all: Vec<_> = texts.iter().enumerate().map(|(at, text)| learning(at, text)).collect();
        storage.remember_all(&all).expect("they are kept");
        let model = self.embed(&[]).model;
        loop {
            let some = storage.unembedded(&model, AT_ONCE).expect("it is read");
            if some.is_empty() {
                return storage;
            }
            let texts: Vec<String> = some.iter().map(|one| one.text.clone()).collect();
            storage.keep_vectors(&some, &self.embed(&texts)).expect("they are kept");
        }
    }

    fn quality(&self) {
        let (asked, notes) = notes();
        let storage = self.storage("quality", &notes);
        assert_eq!(
            storage.learnings(&LearningQuery::default()).expect("a list").len(),
            notes.len()
        );
        let mut rows = Vec::new();
        for (name, by_words, by_meaning) in
            [("words", true, false), ("meaning", false, true), ("both", true, true)]
        {
            let places: Vec<Option<usize>> = asked
                .iter()
                .map(|(question, answer)| {
                    let vector = by_meaning.then(|| self.embed(std::slice::from_ref(question)));
                    let text = if by_words { question.as_str() } else { "" };
                    let found = recall(&storage, text, vector.as_ref());
                    found.iter().position(|one| one == answer)
                })
                .collect();
            let within = |most: usize| {
                let found = places.iter().filter(|place| place.is_some_and(|at| at < most));
                format!("{:.0}", 100.0 * found.count() as f64 / places.len() as f64)
            };
            rows.push([name.to_owned(), within(1), within(5), within(10)]);
        }
        let title = format!("Recall: {} questions to {} notes", asked.len(), notes.len());
        table::print(&title, ["by", "@1", "@5", "@10"], &rows);
    }

    fn speed(&self) {
        let mut words = Sentences::new();
        let texts: Vec<String> = (0..MANY).map(|_| words.sentence(12)).collect();
        let storage = self.storage("speed", &texts);
        let questions: Vec<String> = (0..QUESTIONS).map(|_| words.sentence(10)).collect();
        let vectors: Vec<Vectors> =
            questions.iter().map(|one| self.embed(std::slice::from_ref(one))).collect();
        let each = |by_words: bool, by_meaning: bool| {
            let took = (0..QUESTIONS).map(|at| {
                let question = if by_words { questions[at].as_str() } else { "" };
                let vector = by_meaning.then(|| &vectors[at]);
                millis(|| drop(recall(&storage, question, vector)))
            });
            // The first ones bring the database into memory.
            took.collect::<Vec<_>>().into_iter().skip(5)
        };
        let row = |name: &str, took: Spread| {
            let [least, median] = took.cells(2);
            [name.to_owned(), least, median]
        };
        let short: Vec<String> = (0..1_000).map(|_| words.sentence(12)).collect();
        let thousand = (0..9).map(|_| millis(|| drop(self.embed(&short))));
        let one = (0..50).map(|at| millis(|| drop(self.embed(&questions[at..=at]))));
        let rows = [
            row("recall by words", Spread::of(each(true, false))),
            row("recall by meaning", Spread::of(each(false, true))),
            row("recall by both", Spread::of(each(true, true))),
            row("a question as a vector", Spread::of(one)),
            row("1,000 texts as vectors", Spread::of(thousand)),
            row("the embedder, compiled first", Spread::of([self.first[0]])),
            row("the embedder, from kept code", Spread::of([self.first[1]])),
        ];
        let title = format!("Recall from {MANY} sentences, in milliseconds");
        table::print(&title, ["what", "least", "median"], &rows);
    }
}

fn embed(
    runtime: &tokio::runtime::Runtime,
    embedder: &CatalogEmbedder,
    texts: &[String],
) -> Vectors {
    runtime.block_on(embedder.embed(texts, Purpose::Passage)).expect("they are embedded")
}

/// Returns the texts of what is found, the best first.
fn recall(storage: &Storage, text: &str, meaning: Option<&Vectors>) -> Vec<String> {
    let question = Question { workspace: Some(HERE), text, meaning, most: LOOKED_AT };
    let found = ranked(storage.recall(&question).expect("it is read"), 1);
    found.into_iter().map(|one| one.learning.text).collect()
}

fn millis(work: impl FnOnce()) -> f64 {
    let begun = Instant::now();
    work();
    begun.elapsed().as_secs_f64() * 1e3
}

fn learning(at: usize, text: &str) -> (Learning, Vec<Moment>) {
    let learning = Learning {
        id: format!("01k9abcdef{at:016}"),
        text: text.to_owned(),
        categories: Vec::new(),
        workspace: Some(HERE.to_owned()),
        source: Source::User,
        confidence: 1.0,
        confirmed_ms: 1,
        learnt_ms: 1,
        state: State::Active,
        uses: Uses::default(),
        evidence: Vec::new(),
    };
    (learning, vec![Moment::new(1, Change::Learnt, text)])
}

/// Returns the questions with their answers, and all notes.
fn notes() -> (Vec<(String, String)>, Vec<String>) {
    let (mut asked, mut notes) = (Vec::<(String, String)>::new(), Vec::new());
    for line in NOTES.lines() {
        let Some((mark, text)) = line.split_once(' ') else { continue };
        match mark {
            "?" => asked.push((text.to_owned(), String::new())),
            "+" | "-" => notes.push(text.to_owned()),
            _ => {}
        }
        if mark == "+" {
            asked.last_mut().expect("a question stands before its answer").1 = text.to_owned();
        }
    }
    (asked, notes)
}

/// Sentences of words of which some are frequent and most are rare, as in texts.
struct Sentences {
    words: Vec<&'static str>,
    state: u64,
}

impl Sentences {
    fn new() -> Self {
        let is_word =
            |word: &&str| word.len() > 3 && word.bytes().all(|one| one.is_ascii_lowercase());
        Self { words: WORDS.lines().filter(is_word).collect(), state: 88_172_645_463_325_252 }
    }

    fn random(&mut self) -> f64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as f64 / (1u64 << 53) as f64
    }

    fn sentence(&mut self, length: usize) -> String {
        let count = self.words.len() as f64;
        let words = (0..length).map(|_| {
            let rank = count.powf(self.random()) as usize - 1;
            self.words[rank * 7_919 % self.words.len()]
        });
        words.collect::<Vec<_>>().join(" ")
    }
}
