//! What a run changed: the sum of the differences that its own effects made, path by path.
//!
//! Reports, judges, restores, undo and redo use a change set and never the state of the whole directory, so that
//! nobody else's work is taken for the run's.

use std::{
    collections::BTreeMap,
    ffi::{OsStr, OsString},
    os::unix::ffi::{OsStrExt, OsStringExt},
};

use serde::{Deserialize, Serialize};

/// State of one path at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum PathState {
    /// There is nothing.
    Absent,
    /// A file whose contents are kept.
    File {
        /// Permission bits.
        mode: u32,
        /// Size in bytes.
        size: u64,
        /// SHA-256 of the contents, by which the store knows them.
        hash: String,
    },
    /// A symbolic link.
    Link {
        /// Where it points, in the form of [`text_of_name`].
        target: String,
    },
    /// A directory.
    Directory {
        /// Permission bits.
        mode: u32,
    },
    /// Something whose contents are not kept: too large, unreadable, a socket or a device.
    Uncovered,
}

impl PathState {
    /// Returns whether it can be brought back.
    pub fn is_kept(&self) -> bool {
        *self != Self::Uncovered
    }
}

/// Change of one path by one effect.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathEffect {
    /// Path relative to the workspace, with `/` between the parts, in the form of [`text_of_name`].
    pub path: String,
    /// State before the effect.
    pub before: PathState,
    /// State that the effect left.
    pub after: PathState,
    /// True if git ignores the path: it is no part of what is delivered, and may have been built of something else.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ignored: bool,
}

impl PathEffect {
    /// Returns the change of a path that git does not ignore.
    pub fn new(path: impl Into<String>, before: PathState, after: PathState) -> Self {
        Self { path: path.into(), before, after, ignored: false }
    }

    /// Returns whether it leaves contents in a place that git ignores.
    pub fn leaves_ignored(&self) -> bool {
        let has_contents = !matches!(self.after, PathState::Absent | PathState::Directory { .. });
        self.ignored && has_contents
    }

    /// Returns the effect that takes this one back.
    #[must_use]
    pub fn inverse(&self) -> Self {
        let Self { path, before, after, ignored } = self.clone();
        Self { path, before: after, after: before, ignored }
    }
}

/// What a call did to the workspace.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallEffects {
    /// Changes of paths, in the order in which they were made.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub paths: Vec<PathEffect>,
    /// Changes that were not made because somebody else had changed the path meanwhile: theirs stays, and the state
    /// that the call wanted to leave is kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conflicts: Vec<PathEffect>,
    /// Places that changed and that no state covers, in words for a person: an ignored directory, a huge file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub uncovered: Vec<String>,
    /// Places in which interpreters and their tools left what they make of other files, such as `__pycache__`: nobody's
    /// work, and nothing that a check may rest on.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub by_products: Vec<String>,
}

impl CallEffects {
    /// Returns whether the call left everything as it was.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Adds the effects of a later part of the call.
    pub fn extend(&mut self, later: Self) {
        self.paths.extend(later.paths);
        self.conflicts.extend(later.conflicts);
        self.uncovered.extend(later.uncovered);
        self.by_products.extend(later.by_products);
    }
}

/// Result of bringing paths to other states.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// Paths that are now as wanted.
    pub done: Vec<String>,
    /// Paths that were left as they are, because somebody else changed them or because they are not covered.
    pub conflicts: Vec<String>,
}

/// The changes of a run: for each path the state that the first effect found and the one that the last effect left.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeSet(BTreeMap<String, PathEffect>);

impl ChangeSet {
    /// Returns the sum of `effects`, in their order.
    pub fn of<'a>(effects: impl IntoIterator<Item = &'a PathEffect>) -> Self {
        let mut set = Self::default();
        set.absorb(effects);
        set
    }

    /// Adds later effects. A path that is again as it was found is no change.
    ///
    /// Where somebody else changed a path between two effects, the state before the later one counts as found: what
    /// was there between them is not the run's, and is what a restore has to bring back.
    pub fn absorb<'a>(&mut self, effects: impl IntoIterator<Item = &'a PathEffect>) {
        for effect in effects {
            let found = match self.0.remove(&effect.path) {
                Some(earlier) if earlier.after == effect.before => earlier.before,
                _ => effect.before.clone(),
            };
            if found != effect.after {
                let sum = PathEffect { before: found, ..effect.clone() };
                self.0.insert(effect.path.clone(), sum);
            }
        }
    }

    /// Returns whether nothing is different.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the changes, sorted by path.
    pub fn effects(&self) -> Vec<PathEffect> {
        self.iter().cloned().collect()
    }

    /// Returns the changes, sorted by path.
    pub fn iter(&self) -> impl Iterator<Item = &PathEffect> {
        self.0.values()
    }

    /// Returns the changes of the paths for which `wanted` is true.
    #[must_use]
    pub fn filtered(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let kept = self.0.iter().filter(|(path, _)| wanted(path));
        Self(kept.map(|(path, effect)| (path.clone(), effect.clone())).collect())
    }

    /// Returns what has to be done to the paths of both sets to come from this one to `wanted`.
    pub fn to(&self, wanted: &Self) -> Vec<PathEffect> {
        let paths = self.0.keys().chain(wanted.0.keys().filter(|path| !self.0.contains_key(*path)));
        let step = |path: &String| {
            let (here, there) = (self.0.get(path), wanted.0.get(path));
            // A path that one of the sets lacks is there as the other one found it.
            let before = here.map(|here| &here.after).or(there.map(|there| &there.before))?;
            let after = there.map(|there| &there.after).or(here.map(|here| &here.before))?;
            let one = here.or(there)?;
            let step = PathEffect { before: before.clone(), after: after.clone(), ..one.clone() };
            (before != after).then_some(step)
        };
        let mut steps: Vec<PathEffect> = paths.filter_map(step).collect();
        steps.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        steps
    }
}

/// First of the private characters that stand for bytes of a name that is not UTF-8.
const BYTES: u32 = 0xF700;

/// Returns a file name or path as text, without loss: a byte that is not UTF-8 is a private character, and so is
/// each byte of a private character that really stands there.
pub fn text_of_name(name: &OsStr) -> String {
    if let Some(text) = name.to_str().filter(|text| text.is_ascii()) {
        return text.to_owned();
    }
    let mut text = String::new();
    for chunk in name.as_bytes().utf8_chunks() {
        for char in chunk.valid().chars() {
            if (BYTES..BYTES + 0x100).contains(&u32::from(char)) {
                let mut bytes = [0; 4];
                text.extend(char.encode_utf8(&mut bytes).bytes().filter_map(private));
            } else {
                text.push(char);
            }
        }
        text.extend(chunk.invalid().iter().copied().filter_map(private));
    }
    text
}

/// Returns the name that [`text_of_name`] wrote.
pub fn name_of_text(text: &str) -> OsString {
    // Most are, and whole workspaces are read by them.
    if text.is_ascii() {
        return text.into();
    }
    let mut bytes = Vec::with_capacity(text.len());
    for char in text.chars() {
        match u32::from(char).checked_sub(BYTES).and_then(|byte| u8::try_from(byte).ok()) {
            Some(byte) => bytes.push(byte),
            None => bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    OsString::from_vec(bytes)
}

fn private(byte: u8) -> Option<char> {
    char::from_u32(BYTES + u32::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> PathState {
        PathState::File { mode: 0o644, size: text.len() as u64, hash: text.to_owned() }
    }

    fn effect(path: &str, before: PathState, after: PathState) -> PathEffect {
        PathEffect::new(path, before, after)
    }

    #[test]
    fn a_path_that_is_again_as_it_was_found_is_no_change() {
        let there = effect("a", PathState::Absent, file("1"));
        let gone = effect("a", file("1"), PathState::Absent);
        assert!(ChangeSet::of([&there, &gone]).is_empty());
    }

    #[test]
    fn the_first_state_found_and_the_last_one_left_count() {
        let set = ChangeSet::of([
            &effect("a", file("1"), file("2")),
            &effect("b", PathState::Absent, file("b")),
            &effect("a", file("2"), file("3")),
        ]);
        assert_eq!(
            set.effects(),
            [effect("a", file("1"), file("3")), effect("b", PathState::Absent, file("b"))]
        );
    }

    #[test]
    fn what_somebody_else_wrote_between_two_effects_is_what_a_restore_brings_back() {
        let set = ChangeSet::of([
            &effect("a", file("1"), file("2")),
            &effect("a", file("theirs"), file("3")),
        ]);
        assert_eq!(set.effects(), [effect("a", file("theirs"), file("3"))]);
    }

    #[test]
    fn the_way_from_one_set_to_another_touches_the_paths_of_both() {
        let here = ChangeSet::of([
            &effect("a", file("1"), file("2")),
            &effect("b", PathState::Absent, file("b")),
        ]);
        let there = ChangeSet::of([
            &effect("a", file("1"), file("3")),
            &effect("c", file("c"), PathState::Absent),
        ]);
        assert_eq!(
            here.to(&there),
            [
                effect("a", file("2"), file("3")),
                effect("b", file("b"), PathState::Absent),
                effect("c", file("c"), PathState::Absent),
            ]
        );
        assert_eq!(here.to(&here), []);
    }

    #[test]
    fn every_name_is_text_and_comes_back() {
        let names: [&[u8]; 5] = [
            b"plain",
            "n\u{e4}h\u{1f600}".as_bytes(),
            b"\xe9t\xe9",
            "\u{f7e9}".as_bytes(),
            b"\xff",
        ];
        for name in names {
            let name = OsStr::from_bytes(name);
            assert_eq!(name_of_text(&text_of_name(name)), name);
        }
        assert_eq!(text_of_name(OsStr::new("plain")), "plain");
    }
}
