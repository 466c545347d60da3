//! What is in a skill, before it is installed, as a document.

use openkoi_app::learn::{FileUse, OfferedFile, SkillOffer};
use openkoi_core::document::{
    Block, Document, Heading, Item, Notice, Pairs, Span, Tone, Value, Verbatim,
};
use openkoi_storage::skills::{SkillKind, SkillNotice};

use crate::output::{Output, bytes, diff::unified, plural};

/// The most addresses that a person is shown.
const LINKS: usize = 20;
/// The most characters of a difference that a person is shown of one file.
const LONGEST: usize = 20_000;

/// A skill before it is installed.
pub(super) struct OfferShown {
    name: String,
    kind: SkillKind,
    description: String,
    source: String,
    digest: String,
    allowed_tools: Option<String>,
    text: String,
    files: Vec<OfferedFile>,
    links: Vec<String>,
    doubts: Vec<(String, SkillNotice)>,
    /// What differs from the one that is installed; absent if none is.
    changes: Option<Changes>,
    pub(super) is_installed: bool,
}

/// What differs from the skill that is installed.
struct Changes {
    /// Where the installed one came from, if that is known and another source.
    other_source: Option<String>,
    /// True if the files of the installed one are not those that were installed.
    was_changed: bool,
    diff: String,
}

impl OfferShown {
    pub(super) fn of(offer: &SkillOffer) -> Self {
        Self {
            name: offer.skill.name.clone(),
            kind: offer.skill.kind,
            description: offer.skill.description.clone(),
            source: offer.pin.source.clone(),
            digest: offer.pin.digest.clone(),
            allowed_tools: offer.skill.field("allowed-tools"),
            text: offer.skill.body.clone(),
            files: offer.listed(),
            links: offer.links(),
            doubts: offer.doubts(),
            changes: Changes::of(offer),
            is_installed: false,
        }
    }

    fn scripts(&self) -> usize {
        self.files.iter().filter(|file| file.is_for == FileUse::Script).count()
    }

    fn size(&self) -> String {
        let all = self.files.iter().map(|file| file.bytes).sum();
        let scripts = match self.scripts() {
            0 => String::new(),
            count => format!(", {} among them", plural(count, "script")),
        };
        format!("{} in {}{scripts}", bytes(all), plural(self.files.len(), "file"))
    }

    fn lists(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut list = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                blocks.push(Heading::new("", title).into());
                let items = lines.into_iter().map(|line| Item::new(0, line));
                blocks.push(Block::Items(items.collect()));
            }
        };
        let file = |one: &OfferedFile| match one.is_for {
            FileUse::Text => format!("{} ({})", one.path, bytes(one.bytes)),
            other => format!("{} ({}, {})", one.path, bytes(one.bytes), other.word()),
        };
        list("Files", self.files.iter().map(file).collect());
        let more = self.links.len().saturating_sub(LINKS);
        let more = (more > 0).then(|| format!("and {more} more"));
        list("Addresses in it", self.links.iter().take(LINKS).cloned().chain(more).collect());
        let doubt =
            |(path, one): &(String, SkillNotice)| format!("{path}:{}: {}", one.line, one.text);
        list("Doubtful", self.doubts.iter().map(doubt).collect());
        blocks
    }

    fn warning(&self) -> Option<Block> {
        let unseen = self.doubts.iter().any(|(_, one)| one.text.contains("nobody sees"));
        let (scripts, mut words) = (self.scripts(), Vec::new());
        if scripts > 0 {
            words.push(format!(
                "{} in it may be run by a task, in the sandbox and with your trust levels",
                plural(scripts, "script")
            ));
        }
        if unseen {
            words.push("it has text in it that you do not see and a model reads".to_owned());
        }
        if self.kind == SkillKind::Evaluator {
            words.push("it judges the work of your tasks".to_owned());
        }
        let text = vec![Span::toned(words.join("; "), Tone::Warning)];
        let tone = Tone::Warning;
        (!words.is_empty()).then(|| Notice { tone, text, ..Notice::default() }.into())
    }
}

impl Output for OfferShown {
    fn document(&self) -> Document {
        let pairs = Pairs::new("")
            .pair("name", "skill", Span::strong(&self.name))
            .pair("kind", "kind", self.kind.word())
            .pair("source", "from", &self.source)
            .pair("digest", "digest", &self.digest)
            .for_people("size", self.size())
            .pair("allowed_tools", "asks for", self.allowed_tools.as_deref())
            .for_programs("description", &self.description)
            .for_programs("is_installed", self.is_installed)
            .for_programs("is_replacement", self.changes.is_some())
            .for_programs("files", Value::List(self.files.iter().map(file).collect()))
            .for_programs("links", Value::list(&self.links))
            .for_programs("doubts", Value::List(self.doubts.iter().map(doubt).collect()));
        let mut document = Document::new("Skill")
            .with(pairs)
            .with(Heading::end())
            .with(Block::paragraph(&self.description))
            .with_all(self.lists());
        match &self.changes {
            Some(changes) => changes.tell(&mut document),
            None => {
                document.push(Heading::new("", "Text"));
                document.push(Verbatim::new("markdown", &self.text).keyed("text"));
            }
        }
        document.with_all(self.warning())
    }
}

impl Changes {
    fn of(offer: &SkillOffer) -> Option<Self> {
        let installed = offer.replaces.as_ref()?;
        let before = installed.files();
        let text = |bytes: &[u8]| std::str::from_utf8(bytes).map(str::to_owned).ok();
        let mut diff = String::new();
        let paths = before.iter().chain(&offer.files).map(|file| file.path.as_str());
        let paths: std::collections::BTreeSet<&str> = paths.collect();
        for path in paths {
            let old = before.iter().find(|file| file.path == path);
            let new = offer.files.iter().find(|file| file.path == path);
            if old.map(|file| &file.bytes) == new.map(|file| &file.bytes) {
                continue;
            }
            let side = |mark: char, there: bool| match there {
                true => format!("{mark}/{path}"),
                false => "/dev/null".to_owned(),
            };
            diff.push_str(&format!(
                "--- {}\n+++ {}\n",
                side('a', old.is_some()),
                side('b', new.is_some())
            ));
            let [old, new] = [old, new].map(|file| text(file.map_or(b"", |file| &file.bytes)));
            match (old, new) {
                (Some(old), Some(new)) => diff.push_str(&shortened(unified(&old, &new))),
                _ => diff.push_str("@@ it is no text @@\n"),
            }
        }
        let pin = installed.pin.as_ref();
        Some(Self {
            other_source: pin.map(|pin| pin.source.clone()).filter(|one| *one != offer.pin.source),
            was_changed: pin.is_some() && !installed.is_as_installed(),
            diff,
        })
    }

    fn tell(&self, document: &mut Document) {
        if let Some(source) = &self.other_source {
            let words = format!("the one that is installed came from {source}");
            document.push(Block::paragraph(Span::toned(words, Tone::Warning)));
        }
        if self.was_changed {
            let words =
                "the files of the one that is installed were changed since, and are replaced";
            document.push(Block::paragraph(Span::toned(words, Tone::Warning)));
        }
        document.push(Heading::new("", "Changes"));
        document.push(Verbatim::new("diff", &self.diff).keyed("diff"));
    }
}

fn shortened(mut diff: String) -> String {
    if diff.len() > LONGEST {
        diff.truncate(diff.floor_char_boundary(LONGEST));
        diff.push_str("\n@@ and more @@\n");
    }
    diff
}

fn file(file: &OfferedFile) -> Value {
    Value::record([
        ("path", (&file.path).into()),
        ("bytes", Value::Bytes(file.bytes)),
        ("use", file.is_for.word().into()),
    ])
}

fn doubt((path, notice): &(String, SkillNotice)) -> Value {
    Value::record([
        ("path", path.into()),
        ("line", Value::count(notice.line)),
        ("is_fault", notice.is_fault.into()),
        ("text", (&notice.text).into()),
    ])
}
