//! Follows a path to the file that defines what it names.

use super::{
    graph::Graph,
    module::{Binding, Crate, Way},
};

/// How many imports one name may lead through. More would be imports that name one another.
const DEEPEST: usize = 32;

/// Adds the files of `from` and what they depend on.
pub(super) fn add(from: &Crate, graph: &mut Graph) {
    for (index, module) in from.modules.iter().enumerate() {
        graph.file(&module.file);
        for mention in &module.mentions {
            for target in targets(from, index, &mention.path, mention.way) {
                let (to, name) = match target {
                    Target::Item { module, name, .. } => (module, name),
                    Target::Module(module) if mention.way == Way::AllHandedOn => {
                        (module, "*".to_owned())
                    }
                    // The paths that lead through a module count, not its own name.
                    Target::Module(_) => continue,
                };
                let name = match mention.way {
                    Way::HandedOn | Way::AllHandedOn => format!("pub use {name}"),
                    Way::Plain | Way::Macro => name,
                };
                graph.tie(&module.file, &from.modules[to].file, name);
            }
        }
    }
}

/// What a path leads to.
#[derive(Debug, Clone)]
enum Target {
    Module(usize),
    Item { module: usize, is_type: bool, name: String },
}

fn targets(from: &Crate, module: usize, path: &[String], way: Way) -> Vec<Target> {
    let found = resolve(from, module, path, DEEPEST);
    match path {
        // Macros are known below the place that defines them without a path.
        [name] if way == Way::Macro && found.is_empty() => {
            let places = from.macros.get(name).into_iter().flatten();
            places
                .map(|place| Target::Item { module: *place, is_type: false, name: name.clone() })
                .collect()
        }
        _ => found,
    }
}

/// Returns what `path` leads to when it is written in `module`; nothing if that is another crate.
fn resolve(from: &Crate, module: usize, path: &[String], depth: usize) -> Vec<Target> {
    let Some((first, mut rest)) = path.split_first() else { return Vec::new() };
    let mut found = match first.as_str() {
        "crate" => vec![Target::Module(0)],
        "self" => vec![Target::Module(module)],
        "super" => from.modules[module].parent.map(Target::Module).into_iter().collect(),
        name => lookup(from, module, name, depth).unwrap_or_default(),
    };
    while let Some((name, after)) = rest.split_first() {
        found = found.into_iter().flat_map(|target| step(from, target, name, depth)).collect();
        rest = after;
    }
    found
}

/// Returns what `name` is within `target`.
fn step(from: &Crate, target: Target, name: &str, depth: usize) -> Vec<Target> {
    match target {
        Target::Module(module) if name == "super" => {
            from.modules[module].parent.map(Target::Module).into_iter().collect()
        }
        Target::Module(module) => lookup(from, module, name, depth).unwrap_or_else(|| {
            // A macro made it, in the module in which it is looked for.
            vec![Target::Item { module, is_type: true, name: name.to_owned() }]
        }),
        // A variant, a function or a constant of a type is where the type is.
        Target::Item { is_type: true, .. } => vec![target],
        Target::Item { .. } => Vec::new(),
    }
}

/// Returns what `name` means in `module`: an empty list if it comes from another crate, nothing if it is unknown.
fn lookup(from: &Crate, module: usize, name: &str, depth: usize) -> Option<Vec<Target>> {
    let depth = depth.checked_sub(1)?;
    let here = &from.modules[module];
    if let Some(bindings) = here.names.get(name) {
        let found = bindings.iter().flat_map(|binding| match binding {
            Binding::Module(child) => vec![Target::Module(*child)],
            Binding::Item { module, is_type } => {
                vec![Target::Item { module: *module, is_type: *is_type, name: name.to_owned() }]
            }
            Binding::Import(path) => resolve(from, module, path, depth),
        });
        return Some(found.collect());
    }
    here.globs.iter().find_map(|path| {
        resolve(from, module, path, depth).into_iter().find_map(|target| match target {
            Target::Module(source) if source != module => lookup(from, source, name, depth),
            // `use Kind::*`: its variants have no entry of their own, and the `use` counts already.
            _ => None,
        })
    })
}
