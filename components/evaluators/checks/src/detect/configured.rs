//! Commands that the configuration names as checks. They run in a shell, beside what is found.

use openkoi_sdk::evaluator::NamedCheck;

use crate::plan::{Category, Plan, Standing};
use crate::runner;

/// Returns their plans, as `configured:test` and, for further ones of a kind, `configured:test:2`.
pub(super) fn plans(commands: &[NamedCheck]) -> Vec<Plan> {
    let mut plans: Vec<Plan> = Vec::new();
    for NamedCheck { category, command } in commands {
        let Some(category) = Category::of(category) else { continue };
        let before = plans.iter().filter(|plan| plan.category == category).count();
        let id = match before {
            0 => format!("configured:{}", category.word()),
            before => format!("configured:{}:{}", category.word(), before + 1),
        };
        let mut plan = Plan::new(runner::named("named"), "", "").called(&id, category);
        plan.arguments = ["sh", "-c", command].map(str::to_owned).to_vec();
        plan.standing = Standing::Apart;
        plans.push(plan);
    }
    plans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_command_is_a_check_of_its_kind() {
        let command = |category: &str, command: &str| NamedCheck {
            category: category.to_owned(),
            command: command.to_owned(),
        };
        let commands = [
            command("test", "ci/a && ci/b"),
            command("lint", "ci/l"),
            command("test", "ci/c"),
            command("?", "x"),
        ];

        let plans = plans(&commands);

        let told: Vec<(&str, String)> =
            plans.iter().map(|plan| (plan.id.as_str(), plan.command())).collect();
        assert_eq!(
            told,
            [
                ("configured:test", "sh -c 'ci/a && ci/b'".to_owned()),
                ("configured:lint", "sh -c ci/l".to_owned()),
                ("configured:test:2", "sh -c ci/c".to_owned()),
            ]
        );
    }
}
