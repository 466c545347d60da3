//! Commands on trial: what they changed is put to a person as one question before it is in the workspace.

use super::{
    call::Made,
    halt::{Halt, Paused},
    prompt,
    state::Run,
};
use crate::{
    change_set::{CallEffects, PathEffect, PathState},
    decision::TrialEnd,
    evaluation::{Change, ChangeKind},
    gate::Refusal,
};

/// The most bytes of a difference that a question carries.
const MOST_SHOWN: usize = 32 * 1024;
/// The most paths that a question lists before it.
const MOST_LISTED: usize = 60;
/// The most paths that the model is told of.
const MOST_TOLD: usize = 8;

impl Run {
    /// Decides about what a call on trial wants to change. Returns what became of it if it is not to be made.
    pub(super) async fn judge_trial(
        &self,
        key: &str,
        wanted: &CallEffects,
    ) -> Result<Option<Made>, Halt> {
        if wanted.paths.is_empty() && wanted.uncovered.is_empty() {
            // At most what interpreters leave beside the files they read: nobody's work, and nothing to ask about.
            return Ok(Some(Made::Kept));
        }
        let changes = self.ports.workspace.describe(&wanted.paths);
        let diff = self.files(self.ports.workspace.diff(&wanted.paths, MOST_SHOWN)).await?;
        let shown = shown(&changes, wanted, &diff);
        match self.gate.pass_changes(key, shown).await {
            Ok(TrialEnd::Kept) => Ok(None),
            Ok(TrialEnd::Dropped(why)) => {
                Ok(Some(Made::Dropped(prompt::dropped(&why, &told(&changes, wanted)))))
            }
            Err(Refusal::Cancelled) => Err(Halt::Paused(Paused::Cancelled)),
            Err(Refusal::Record(error)) => Err(error.into()),
            Err(Refusal::Denied(failure)) => Ok(Some(Made::Dropped(failure.to_string()))),
            Err(Refusal::NeedsApproval(request)) => Err(Halt::Paused(Paused::Approval(request))),
        }
    }
}

/// Returns what a person is shown: every path first, because a long difference is cut, then the difference.
fn shown(changes: &[Change], wanted: &CallEffects, diff: &str) -> String {
    let mut lines: Vec<String> = changes.iter().map(|change| line(change, &wanted.paths)).collect();
    lines.extend(wanted.uncovered.iter().map(|what| format!("changes {what}")));
    let more = lines.len().saturating_sub(MOST_LISTED);
    lines.truncate(MOST_LISTED);
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    format!("{}\n{diff}", lines.join("\n"))
}

fn line(change: &Change, effects: &[PathEffect]) -> String {
    let verb = match change.kind {
        ChangeKind::Added => "adds",
        ChangeKind::Modified => "changes",
        ChangeKind::Removed => "removes",
    };
    let effect = effects.iter().find(|effect| effect.path == change.path);
    let mode = effect.and_then(mode).map(|mode| format!(" ({mode})")).unwrap_or_default();
    let steers = if change.control { ", which steers agents or tools" } else { "" };
    format!("{verb} {}{mode}{steers}", change.path)
}

/// Returns the mode of a file if it is another one than before, or can be executed and was not there.
fn mode(effect: &PathEffect) -> Option<String> {
    let of = |state: &PathState| match state {
        PathState::File { mode, .. } => Some(*mode),
        _ => None,
    };
    match (of(&effect.before), of(&effect.after)?) {
        (Some(before), after) if before != after => Some(format!("mode {before:o} → {after:o}")),
        (None, after) if after & 0o111 != 0 => Some(format!("mode {after:o}")),
        _ => None,
    }
}

/// Returns what would have changed, as the model is told.
fn told(changes: &[Change], wanted: &CallEffects) -> String {
    let paths = changes.iter().map(|change| &change.path).chain(&wanted.uncovered);
    let mut paths: Vec<&str> = paths.map(String::as_str).collect();
    let more = paths.len().saturating_sub(MOST_TOLD);
    paths.truncate(MOST_TOLD);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", paths.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(mode: u32, hash: &str) -> PathState {
        PathState::File { mode, hash: hash.to_owned(), size: 1 }
    }

    fn change(path: &str, kind: ChangeKind) -> Change {
        Change { path: path.to_owned(), kind, control: false }
    }

    #[test]
    fn a_question_names_every_path_with_its_mode_before_the_difference() {
        let effect = |path: &str, before, after| PathEffect::new(path, before, after);
        let wanted = CallEffects {
            paths: vec![
                effect("run", PathState::Absent, file(0o755, "a")),
                effect("notes", PathState::Absent, file(0o644, "b")),
                effect("tool", file(0o644, "c"), file(0o755, "c")),
                effect("old", file(0o755, "d"), PathState::Absent),
            ],
            uncovered: vec!["the repository".to_owned()],
            ..CallEffects::default()
        };
        let changes = [
            change("run", ChangeKind::Added),
            change("notes", ChangeKind::Added),
            change("tool", ChangeKind::Modified),
            Change { control: true, ..change("old", ChangeKind::Removed) },
        ];

        assert_eq!(
            shown(&changes, &wanted, "--- a/old\n"),
            "adds run (mode 755)\nadds notes\nchanges tool (mode 644 → 755)\n\
             removes old, which steers agents or tools\nchanges the repository\n--- a/old\n"
        );
    }

    #[test]
    fn long_lists_are_cut_and_say_so() {
        let changes: Vec<Change> =
            (0..100).map(|n| change(&format!("f{n}"), ChangeKind::Added)).collect();
        let wanted = CallEffects::default();

        assert!(shown(&changes, &wanted, "").ends_with("adds f59\nand 40 more\n"));
        assert_eq!(told(&changes, &wanted), "f0, f1, f2, f3, f4, f5, f6, f7 and 92 more");
    }
}
