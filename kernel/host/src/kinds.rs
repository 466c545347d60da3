//! Components as the ports of core: tools as a [`Toolbox`](openkoi_core::toolbox::Toolbox), evaluators as
//! [`Evaluators`](openkoi_core::evaluators::Evaluators), providers as a [`Model`](openkoi_core::port::Model), an embedder as an
//! [`Embedder`](openkoi_core::port::Embedder), learners as [`Learners`](openkoi_core::learners::Learners), views as
//! [`Views`](openkoi_core::views::Views), and agencies.

pub mod agency;
pub mod embedder;
pub mod evaluator;
pub mod learner;
pub mod provider;
pub mod tool;
pub mod view;

use crate::{
    catalog::{Catalog, CatalogEntry, CatalogError},
    host::Host,
    linker::Exports,
    manifest::Kind,
};

type Load = fn(&Catalog, &CatalogEntry) -> Result<(), CatalogError>;

/// The kinds that this host runs.
const LOADS: [(Kind, Load); 7] = [
    row::<provider::Guest>(),
    row::<tool::Guest>(),
    row::<evaluator::Guest>(),
    row::<embedder::Guest>(),
    row::<learner::Guest>(),
    row::<agency::Guest>(),
    row::<view::Guest>(),
];

const fn row<K: Exports>() -> (Kind, Load) {
    (K::KIND, |catalog, entry| catalog.load::<K>(entry).map(|_| ()))
}

/// Loads a component without calling it, for checks.
///
/// # Errors
///
/// The reason why it could not be called either.
pub fn preload(host: &Host, name: &str) -> Result<(), CatalogError> {
    let catalog = host.catalog();
    let entry = catalog.find(name)?;
    match LOADS.iter().find(|(kind, _)| *kind == entry.kind()) {
        Some((_, load)) => load(&catalog, &entry),
        None => entry.manifest().map(|_| ()),
    }
}

#[cfg(test)]
mod tests {
    use super::LOADS;
    use crate::world::WORLDS;

    #[test]
    fn the_kinds_that_run_are_those_of_their_rows() {
        for world in WORLDS {
            let loads = LOADS.iter().any(|(kind, _)| *kind == world.kind);
            assert_eq!(loads, world.runs, "{}", world.word);
        }
    }
}
