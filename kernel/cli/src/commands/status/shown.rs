//! The status as a page and as JSON.

use openkoi_core::network::NetworkRules;
use openkoi_storage::{tasks::TaskStatus, usage::Total};
use serde_json::{Map, Value, json};

use super::{SandboxState, StatusReport};
use openkoi_app::models::{EMBEDDER, ROLES, Routes, SMALL};

use crate::{
    commands::task::row::{dollars, first_line, footnote, task_json},
    execute::ending,
    output::{Output, Page, Style, count, money_at_most},
};

impl Output for StatusReport {
    fn text(&self, page: &mut Page) {
        page.field("home", &self.home);
        page.field("data", &self.data);
        page.field("sandbox", self.sandbox.words());
        page.field("skills", self.skill_words());
        self.spent(page);
        self.models(page);
        self.tasks(page);
    }

    fn json(&self) -> Value {
        let counts: Map<String, Value> =
            self.counts.iter().map(|(status, n)| (status.word().to_owned(), json!(n))).collect();
        let open = self.open.iter().map(|(task, runs)| {
            let mut shown = task_json(task);
            shown["runs"] = json!(runs);
            shown
        });
        json!({
            "version": env!("CARGO_PKG_VERSION"),
            "home": self.home,
            "data": self.data,
            "sandbox": self.sandbox.json(),
            "skills": {
                "task": self.skills.tasks,
                "evaluator": self.skills.evaluators,
                "unreadable": self.skills.broken,
            },
            "cost": {
                "last_24_hours": total_json(self.spent.day),
                "total": total_json(self.spent.all),
                "is_at_most_because": self.spent.why,
            },
            "models": self.models_json(),
            "tasks": { "counts": counts, "open": open.collect::<Vec<_>>() },
        })
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

    fn spent(&self, page: &mut Page) {
        page.title("Cost");
        page.field("24 hours", total_words(self.spent.day));
        page.field("total", total_words(self.spent.all));
        footnote(page, self.spent.why.as_deref());
    }

    fn models(&self, page: &mut Page) {
        page.title("Models");
        match &self.models {
            Ok(routes) => {
                let all = ROLES.into_iter().chain([SMALL, EMBEDDER]);
                let given = all.filter(|role| routes.roles.contains_key(*role));
                given.for_each(|role| page.field(role, route_words(routes, role)));
            }
            Err(error) => {
                page.styled(&error.message, Style::Caution);
                error.hints.iter().for_each(|hint| page.line(format!("  {hint}")));
            }
        }
    }

    fn tasks(&self, page: &mut Page) {
        page.title("Tasks");
        if self.counts.is_empty() {
            page.line("none yet");
            return;
        }
        let counts = self.counts.iter().map(|(status, n)| format!("{n} {}", status.word()));
        page.line(counts.collect::<Vec<_>>().join(", "));
        for (task, runs) in &self.open {
            let (short, text) = (task.id.short(), first_line(&task.text));
            let resume = ending::resume(task.ending.as_ref(), task.iterations, short);
            let line = match runs {
                true => format!("{short} runs: {text}"),
                false if task.status == TaskStatus::Interrupted => {
                    format!("{short} was interrupted: {text}   ({resume})")
                }
                false => format!("{short} waits: {text}   ({resume})"),
            };
            page.line(crate::output::sanitise_line(&line));
        }
    }

    fn models_json(&self) -> Value {
        let Ok(routes) = &self.models else {
            let error = self.models.as_ref().err().map(|error| error.message.clone());
            return json!({ "error": error });
        };
        let roles = routes.roles.iter().map(|(role, chain)| {
            let names: Vec<String> = chain.iter().map(ToString::to_string).collect();
            let origin = routes.origins.get(role);
            (
                role.clone(),
                json!({ "model": names.first(), "fallback": names.get(1..), "origin": origin }),
            )
        });
        Value::Object(roles.collect())
    }
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

    fn json(&self) -> Value {
        match self {
            Self::Off => json!({ "mode": "off" }),
            Self::On(report, rules) => json!({
                "mode": "on",
                "available": report.available,
                "files": report.files,
                "network_closed": report.network && *rules != NetworkRules::Open,
                "network": if report.network { rules.words() } else { "network open" },
                "notes": report.notes,
            }),
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

fn total_words(total: Total) -> String {
    let (tokens, turns) = (count(total.tokens), count(total.turns));
    format!(
        "{} ({tokens} tokens in {turns} turns)",
        money_at_most(total.cost_micros, total.at_most)
    )
}

fn total_json(total: Total) -> Value {
    json!({
        "cost_usd": dollars(total.cost_micros),
        "cost_is_at_most": total.at_most,
        "tokens": total.tokens,
        "turns": total.turns,
    })
}
