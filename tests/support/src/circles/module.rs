//! The modules of one crate, as its files declare them.

use std::collections::BTreeMap;

/// The modules of one crate. The first one is its root.
#[derive(Debug, Default)]
pub(super) struct Crate {
    /// All modules; a module is named by its index.
    pub(super) modules: Vec<Module>,
    /// Macros by name, with the modules that define them: they are also found without a path.
    pub(super) macros: BTreeMap<String, Vec<usize>>,
}

/// One module: a file, or a part of one.
#[derive(Debug)]
pub(super) struct Module {
    /// The file in which it is written, from the root of the repository.
    pub(super) file: String,
    /// The module above.
    pub(super) parent: Option<usize>,
    /// What a name stands for here: more than one thing where they live in different namespaces or branches of a `cfg`.
    pub(super) names: BTreeMap<String, Vec<Binding>>,
    /// The modules and types whose names are all taken over.
    pub(super) globs: Vec<Vec<String>>,
    /// The paths that are used here.
    pub(super) mentions: Vec<Mention>,
}

/// What a name of a module stands for.
#[derive(Debug, Clone)]
pub(super) enum Binding {
    /// A child.
    Module(usize),
    /// Something that the module with this index defines.
    Item {
        /// Where it is defined.
        module: usize,
        /// Whether something may follow behind `::`.
        is_type: bool,
    },
    /// Something from elsewhere.
    Import(Vec<String>),
}

/// A path that a module uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mention {
    /// Its segments, as written.
    pub(super) path: Vec<String>,
    /// How it is used.
    pub(super) way: Way,
}

/// How a path is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// In a `use`, or where a type, a value or an attribute stands.
    Plain,
    /// As a macro that is called.
    Macro,
    /// In a `pub use`: the module hands it on.
    HandedOn,
    /// In a `pub use path::*`: the module hands on whatever there is.
    AllHandedOn,
}

impl Module {
    /// Returns a module that names nothing yet.
    pub(super) fn new(file: String, parent: Option<usize>) -> Self {
        Self { file, parent, names: BTreeMap::new(), globs: Vec::new(), mentions: Vec::new() }
    }

    /// Gives `name` a meaning; it keeps those that it has.
    pub(super) fn bind(&mut self, name: String, binding: Binding) {
        self.names.entry(name).or_default().push(binding);
    }

    /// Notes a path that is used.
    pub(super) fn mention(&mut self, path: Vec<String>, way: Way) {
        self.mentions.push(Mention { path, way });
    }
}
