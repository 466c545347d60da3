//! The environment through which a runner is reached: the project's interpreter, its own copy of a tool, the lock file's
//! manager.

use super::project::{Project, below};

/// A planted byte code with an unchecked hash must not stand in for the source of a test.
const CHECKED: &str = "--check-hash-based-pycs always";

/// Managers of Python environments, by what tells of them, and their way to run something. What such a run would make
/// in the project is kept out of it.
const MANAGERS: [(&str, &str, &str); 5] = [
    ("^uv.lock", "uv", "uv run --isolated --offline --frozen"),
    ("^poetry.lock", "poetry", "poetry run"),
    ("^Pipfile", "pipenv", "pipenv run"),
    ("^pdm.lock", "pdm", "pdm run"),
    ("pyproject.toml~[tool.hatch.envs", "hatch", "hatch run"),
];

/// Writes the words in braces of a command of the table out.
pub(crate) fn spelled(project: &Project<'_>, command: &str) -> String {
    let Some((inner, rest)) = command.strip_prefix('{').and_then(|text| text.split_once('}'))
    else {
        return command.to_owned();
    };
    let (kind, tool) = inner.split_once(' ').unwrap_or((inner, ""));
    let first = match kind {
        "python" => python(project),
        "py" => python_tool(project, tool),
        "bin" => node_tool(project, tool),
        "vendor" => php_tool(project, tool),
        _ => bundle(project),
    };
    format!("{first}{rest}")
}

/// The project's interpreter, with what makes it read the sources.
pub(crate) fn python(project: &Project<'_>) -> String {
    let python = match environment(project) {
        Some(Environment::Folder { bin, .. }) => format!("{bin}python"),
        Some(Environment::Manager(run)) => format!("{run} python"),
        None if project.world.installed("python3") => "python3".to_owned(),
        None => "python".to_owned(),
    };
    format!("{python} {CHECKED}")
}

/// A tool of Python, from the project's environment where it is there.
pub(crate) fn python_tool(project: &Project<'_>, tool: &str) -> String {
    match environment(project) {
        Some(Environment::Folder { bin, place }) if holds(project, &place, tool) => {
            format!("{bin}{tool}")
        }
        Some(Environment::Folder { .. }) => tool.to_owned(),
        Some(Environment::Manager(run)) => format!("{run} {tool}"),
        None => tool.to_owned(),
    }
}

/// Returns whether the project's environment holds a tool of Python.
pub(crate) fn has_python_tool(project: &Project<'_>, tool: &str) -> bool {
    let Some(Environment::Folder { place, .. }) = environment(project) else { return false };
    holds(project, &place, tool)
}

enum Environment {
    /// The folder of its programs: from the project with a slash at the end, and from the workspace.
    Folder { bin: String, place: String },
    /// The words before a program.
    Manager(&'static str),
}

fn holds(project: &Project<'_>, place: &str, program: &str) -> bool {
    project.world.list(place).iter().any(|entry| entry.name == program)
}

fn environment(project: &Project<'_>) -> Option<Environment> {
    for directory in project.upwards() {
        for folder in [".venv", "venv", "env"] {
            let place = below(directory, &format!("{folder}/bin"));
            if holds(project, &place, "python") {
                let bin = format!("{}{folder}/bin/", project.way_to(directory));
                return Some(Environment::Folder { bin, place });
            }
        }
    }
    if let Some(bin) = [".tox", ".nox"].iter().find_map(|folder| session(project, folder)) {
        let place = below(&project.directory, bin.trim_end_matches('/'));
        return Some(Environment::Folder { bin, place });
    }
    let meant = |(marker, program, _): &&(&str, &str, &str)| {
        project.is_marked(marker) && project.world.installed(program)
    };
    MANAGERS.iter().find(meant).map(|(_, _, run)| Environment::Manager(run))
}

/// An environment that tox or nox made: the first that is named after tests or after a version.
fn session(project: &Project<'_>, folder: &str) -> Option<String> {
    if !project.has_folder(folder) {
        return None;
    }
    let place = below(&project.directory, folder);
    let mut names: Vec<String> =
        project.world.list(&place).into_iter().map(|entry| entry.name).collect();
    names.retain(|name| name.starts_with("py") || name.contains("test"));
    names.sort_unstable();
    let name =
        names.into_iter().find(|name| holds(project, &format!("{place}/{name}/bin"), "python"))?;
    Some(format!("{folder}/{name}/bin/"))
}

/// A tool of node: its copy in the nearest `node_modules` that has one.
fn node_tool(project: &Project<'_>, tool: &str) -> String {
    let bin = format!("node_modules/.bin/{tool}");
    if let Some(directory) = project.above(&bin) {
        return format!("{}{bin}", project.way_to(directory));
    }
    let other = if project.above(".pnp.cjs").is_some() { "yarn" } else { "npx --no-install" };
    format!("{other} {tool}")
}

fn php_tool(project: &Project<'_>, tool: &str) -> String {
    let own = ["vendor/bin", "bin"]
        .into_iter()
        .find(|folder| project.list(folder).iter().any(|file| file == tool));
    own.map_or(tool.to_owned(), |folder| format!("{folder}/{tool}"))
}

fn bundle(project: &Project<'_>) -> String {
    let bundled = project.above("Gemfile").is_some();
    if bundled { "bundle exec ".to_owned() } else { String::new() }
}
