//! The status as a document.

use openkoi_app::models::{EMBEDDER, ROLES, Route, Routes, SMALL};
use openkoi_core::{
    document::{Block, Document, Heading, Item, Pairs, Span, Tone, Value},
    network::NetworkRules,
};
use openkoi_storage::{
    tasks::{TaskRecord, TaskStatus},
    usage::Total,
};

use super::{SandboxState, Spent, StatusReport};
use crate::{
    commands::{
        skill::shown::Known,
        task::row::{first_line, footnote, task_facts},
    },
    execute::ending,
    output::{Output, count, money_at_most},
};

/// The number of skills that are named.
const NAMED_SKILLS: usize = 8;

impl Output for StatusReport {
    fn document(&self) -> Document {
        let skills = [
            ("task", Value::count(self.skills.tasks)),
            ("evaluator", Value::count(self.skills.evaluators)),
            ("unreadable", Value::count(self.skills.broken)),
            ("active", Value::List(self.skills.active.iter().map(active).collect())),
        ];
        let about = Pairs::new("")
            .pair("home", "home", &self.home)
            .pair("data", "data", &self.data)
            .for_people("sandbox", self.sandbox.words())
            .for_people("skills", self.skill_words())
            .for_programs("version", env!("CARGO_PKG_VERSION"))
            .for_programs("sandbox", self.sandbox.value())
            .for_programs("skills", Value::record(skills));
        let mut document = Document::new("Status").with(about);
        self.skills(&mut document);
        self.spent(&mut document);
        self.models(&mut document);
        self.tasks(&mut document);
        document
    }
}

impl StatusReport {
    fn skill_words(&self) -> String {
        let skills = &self.skills;
        let broken = match skills.broken {
            0 => String::new(),
            broken => format!(", {broken} that cannot be read"),
        };
        format!("{} for tasks, {} for evaluation{broken}", skills.tasks, skills.evaluators)
    }

    /// Shows what is known of skills and evaluators, the most used first.
    fn skills(&self, document: &mut Document) {
        let active = &self.skills.active;
        if active.is_empty() {
            return;
        }
        document.push(Heading::new("", "Skills"));
        let pairs = active
            .iter()
            .take(NAMED_SKILLS)
            .fold(Pairs::new(""), |pairs, (name, known)| pairs.for_people(name, known.words()));
        document.push(pairs);
        if let Some(more) = active.len().checked_sub(NAMED_SKILLS).filter(|more| *more > 0) {
            document.push(Block::paragraph(format!("{more} more; openkoi skill list")));
        }
    }

    fn spent(&self, document: &mut Document) {
        let Spent { today, roles, all, why } = &self.spent;
        document.push(Heading::new("cost", "Cost"));
        let mut pairs = Pairs::new("").for_people("today", total_words(*today));
        // What other roles took stands with the tasks that took it.
        if let Some((_, vectors)) = roles.iter().find(|(role, _)| role == EMBEDDER) {
            pairs = pairs.for_people("for vectors", total_words(*vectors));
        }
        let by_role = roles.iter().map(|(role, spent)| (role.as_str(), total(*spent)));
        document.push(
            pairs
                .for_people("total", total_words(*all))
                .for_programs("today", total(*today))
                .for_programs("today_by_role", Value::record(by_role))
                .for_programs("total", total(*all))
                .for_programs("is_at_most_because", why.as_deref()),
        );
        document.blocks.extend(footnote(why.as_deref()));
    }

    fn models(&self, document: &mut Document) {
        document.push(Heading::new("models", "Models"));
        match &self.models {
            Ok(routes) => {
                let all = ROLES.into_iter().chain([SMALL, EMBEDDER]);
                let given = all.filter(|role| routes.roles.contains_key(*role));
                let pairs = given.fold(Pairs::new(""), |pairs, role| {
                    pairs.for_people(role, route_words(routes, role))
                });
                document.push(routes.roles.iter().fold(pairs, |pairs, (role, chain)| {
                    pairs.for_programs(role, route(chain, routes.origins.get(role)))
                }));
            }
            Err(error) => {
                let message = Span::toned(&error.message, Tone::Warning);
                document.push(Block::Paragraph(vec![message]));
                document.push(Block::Items(
                    error.hints.iter().map(|hint| Item::new(1, hint)).collect(),
                ));
                document.push(Pairs::new("").for_programs("error", &error.message));
            }
        }
    }

    fn tasks(&self, document: &mut Document) {
        document.push(Heading::new("tasks", "Tasks"));
        let counts = self.counts.iter().map(|(status, n)| format!("{n} {}", status.word()));
        let counts = match self.counts.is_empty() {
            true => "none yet".to_owned(),
            false => counts.collect::<Vec<_>>().join(", "),
        };
        document.push(Block::paragraph(counts));
        document.blocks.extend(self.open.iter().map(|(task, runs)| open_line(task, *runs)));
        let counts = self.counts.iter();
        document.push(counts.fold(Pairs::new("counts"), |pairs, (status, n)| {
            pairs.for_programs(status.word(), Value::count(*n))
        }));
        let open = self.open.iter().map(|(task, runs)| {
            let facts = task_facts(task, &[]).into_iter();
            Value::record(facts.chain([("runs".to_owned(), Value::Flag(*runs))]))
        });
        document.push(Pairs::new("").for_programs("open", Value::List(open.collect())));
    }
}

/// Returns a skill that tasks may be given, with what is known of it.
fn active((name, known): &(String, Known)) -> Value {
    Value::record([("name", name.into()), ("record", known.value())])
}

/// Says of a task that can go on, or runs, how it does.
fn open_line(task: &TaskRecord, runs: bool) -> Block {
    let (short, text) = (task.id.short(), first_line(&task.text));
    let resume = ending::resume(task.ending.as_ref(), task.iterations, short);
    Block::paragraph(match runs {
        true => format!("{short} runs: {text}"),
        false if task.status == TaskStatus::Interrupted => {
            format!("{short} was interrupted: {text}   ({resume})")
        }
        false => format!("{short} waits: {text}   ({resume})"),
    })
}

/// Returns the models that do a role, the first before those that stand in for it.
fn route(chain: &[Route], origin: Option<&String>) -> Value {
    let mut names = chain.iter().map(ToString::to_string);
    let first = names.next();
    Value::record([
        ("model", first.into()),
        ("fallback", Value::list(names)),
        ("origin", origin.into()),
    ])
}

impl SandboxState {
    fn words(&self) -> String {
        let (report, rules) = match self {
            Self::Off => return "off, because the configuration says so".to_owned(),
            Self::On(report, _) if !report.available => {
                return format!("missing: programs are not started ({})", report.notes.join("; "));
            }
            Self::On(report, rules) => (report, rules),
        };
        let files = report.files.as_deref().unwrap_or("files");
        let network = if report.network { rules.words() } else { "network open" };
        format!("on ({files}, {network})")
    }

    fn value(&self) -> Value {
        match self {
            Self::Off => Value::record([("mode", "off".into())]),
            Self::On(report, rules) => {
                let network = if report.network { rules.words() } else { "network open" };
                let closed = report.network && *rules != NetworkRules::Open;
                Value::record([
                    ("mode", "on".into()),
                    ("available", report.available.into()),
                    ("files", report.files.as_ref().into()),
                    ("network_closed", closed.into()),
                    ("network", network.into()),
                    ("notes", Value::list(&report.notes)),
                ])
            }
        }
    }
}

fn route_words(routes: &Routes, role: &str) -> String {
    let chain = routes.roles.get(role).map_or(&[][..], Vec::as_slice);
    let names: Vec<String> = chain.iter().map(ToString::to_string).collect();
    let origin = routes.origins.get(role).map_or("", String::as_str);
    let all = names.join(", then ");
    format!("{all}   ({origin})")
}

/// Returns what was spent, in words.
pub(crate) fn total_words(total: Total) -> String {
    let (tokens, turns) = (count(total.tokens), count(total.turns));
    format!(
        "{} ({tokens} tokens in {turns} turns)",
        money_at_most(total.cost_micros, total.at_most)
    )
}

/// Returns what was spent, for programs.
pub(crate) fn total(total: Total) -> Value {
    Value::record([
        ("cost_usd", Value::money_at_most(total.cost_micros, total.at_most)),
        ("cost_is_at_most", total.at_most.into()),
        ("tokens", Value::Tokens(total.tokens)),
        ("turns", Value::count(total.turns)),
    ])
}
