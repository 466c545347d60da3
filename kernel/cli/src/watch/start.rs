//! The first line of a run: the models, the directory and the limits.

use std::path::Path;

use openkoi_app::surroundings::{self, Head};
use openkoi_core::{
    message::Role,
    model::ModelCard,
    task::{Task, TaskSettings},
};

use crate::output::money;

/// Returns the first line of a run.
pub(super) fn line(task: &Task, models: &[(String, ModelCard)], home: Option<&Path>) -> String {
    let model = |role: &str| {
        let found = models.iter().find(|(name, _)| name == role);
        found.map(|(_, card)| card.name.as_str())
    };
    let mut parts = vec![format!("Model {}", model(Role::EXECUTOR).unwrap_or("unknown"))];
    let judges = task.settings.max_iterations > 0;
    parts.extend(model(Role::EVALUATOR).filter(|_| judges).map(|name| format!("judge {name}")));
    parts.push(place(Path::new(&task.workspace), home));
    parts.push(limits(&task.settings));
    parts.join(" · ")
}

/// Returns a directory as a person names it, with its branch.
pub(crate) fn place(directory: &Path, home: Option<&Path>) -> String {
    let path = match home.and_then(|home| directory.strip_prefix(home).ok()) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => directory.display().to_string(),
    };
    match branch(directory) {
        Some(branch) => format!("{path} (git {branch})"),
        None => path,
    }
}

/// Returns the branch that git has checked out; a commit is shortened.
fn branch(directory: &Path) -> Option<String> {
    match surroundings::head(directory)? {
        Head::Branch(name) => Some(name),
        Head::Commit(name) => name.get(..8).map(str::to_owned),
    }
}

fn limits(settings: &TaskSettings) -> String {
    let iterations = match settings.max_iterations {
        1 => "1 iteration".to_owned(),
        count => format!("{count} iterations"),
    };
    let time = match settings.max_time_ms {
        None => String::new(),
        Some(ms) => format!(", {}", crate::output::duration(ms)),
    };
    format!("limits {}{time}, {iterations}", money(settings.max_cost_micros))
}

#[cfg(test)]
mod tests {
    use openkoi_core::id::{SessionId, TaskId};

    use super::*;
    use crate::testing::World;

    fn task(workspace: &Path) -> Task {
        Task {
            id: TaskId::new("t"),
            session: SessionId::new("s"),
            text: "fix it".to_owned(),
            workspace: workspace.display().to_string(),
            history: Vec::new(),
            settings: TaskSettings {
                max_cost_micros: 5_000_000,
                max_time_ms: Some(90_000),
                ..TaskSettings::STANDARD
            },
            result_schema: None,
            attachments: Vec::new(),
            earlier: Vec::new(),
        }
    }

    fn card(name: &str) -> ModelCard {
        ModelCard {
            name: name.to_owned(),
            context: 1,
            output: 1,
            price: None,
            price_source: Default::default(),
        }
    }

    #[test]
    fn the_first_line_names_models_directory_and_limits() {
        let models = [
            (Role::EXECUTOR.to_owned(), card("koi/large")),
            (Role::EVALUATOR.to_owned(), card("koi/mini")),
        ];

        let told = line(&task(Path::new("/home/me/pond")), &models, Some(Path::new("/home/me")));

        assert_eq!(
            told,
            "Model koi/large · judge koi/mini · ~/pond · limits $5.00, 1 min 30 s, 3 iterations"
        );
    }

    #[test]
    fn where_nothing_is_judged_or_time_is_not_limited_it_is_not_said() {
        let models = [(Role::EVALUATOR.to_owned(), card("koi/mini"))];
        let mut task = task(Path::new("/pond"));
        (task.settings.max_iterations, task.settings.max_time_ms) = (0, None);

        assert_eq!(
            line(&task, &models, None),
            "Model unknown · /pond · limits $5.00, 0 iterations"
        );
    }

    #[test]
    fn the_branch_is_found_from_below_too_and_a_commit_is_shortened() {
        let world = World::new();
        let (root, below) = (world.workspace(), world.workspace().join("src"));
        std::fs::create_dir_all(&below).unwrap();
        std::fs::create_dir(root.join(".git")).unwrap();
        for (head, shown) in [
            ("ref: refs/heads/fix/pond\n", "(git fix/pond)"),
            ("0123456789abcdef0123456789abcdef01234567\n", "(git 01234567)"),
        ] {
            std::fs::write(root.join(".git/HEAD"), head).unwrap();
            assert!(place(&below, Some(&root)).ends_with(&format!("~/src {shown}")));
        }
    }
}
