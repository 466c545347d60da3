//! The agencies of the catalog.

mod convert;

use std::sync::Arc;

use openkoi_brokers::disk;
use openkoi_core::{
    agencies::AgencyCard,
    deliberation::{assessment::Assessment, motion::Motion},
    failure::Failure,
    scope::Scope,
};
use wasmtime::component::InstancePre;

use crate::{
    bindings::agency::AgencyExportsPre,
    catalog::{Catalog, CatalogError},
    host::Host,
    instance::{CallLimits, Caller, GuestState},
    linker::Exports,
    manifest::Kind,
    workdir::Workdir,
};

/// The exports of an agency.
pub(super) type Guest = AgencyExportsPre<GuestState>;

impl Exports for Guest {
    const KIND: Kind = Kind::Agency;

    fn find(instance: InstancePre<GuestState>) -> wasmtime::Result<Self> {
        Self::new(instance)
    }
}

/// The domain whose trust level applies to agencies.
const DOMAIN: &str = "deliberation";
/// The longest file of which a line is cited, in bytes.
const LONGEST_CITED: u64 = 4 << 20;

/// The agencies of a catalog in one workspace. Each is loaded when it is first asked.
#[derive(Clone, Debug)]
pub struct CatalogAgencies {
    host: Host,
    workdir: Arc<Workdir>,
}

impl CatalogAgencies {
    /// Takes all components of the kind. No manifest is read yet.
    #[must_use]
    pub fn new(host: &Host, workdir: Arc<Workdir>) -> Self {
        Self { host: host.clone(), workdir }
    }

    /// Returns a card of each, sorted by name. One whose manifest is not accepted has none.
    #[must_use]
    pub fn cards(&self) -> Vec<AgencyCard> {
        let catalog = self.host.catalog();
        let card = |entry: &crate::catalog::CatalogEntry| {
            let limits = CallLimits::of(entry.kind(), &entry.manifest().ok()?.limits);
            let deadline_ms = u64::try_from(limits.wall.as_millis()).unwrap_or(u64::MAX);
            Some(AgencyCard { name: entry.name().to_owned(), deadline_ms })
        };
        let mut cards: Vec<AgencyCard> = catalog.of_kind(Kind::Agency).filter_map(card).collect();
        cards.sort_unstable_by(|one, other| one.name.cmp(&other.name));
        cards
    }

    /// Makes an agency ready, which takes up to a second the first time.
    ///
    /// # Errors
    ///
    /// It cannot be used.
    pub fn prepare(&self, agency: &str) -> Result<(), Failure> {
        self.ready(&self.host.catalog(), agency).map(drop)
    }

    /// Has an agency look at a motion. Places that it cites and that are not there are left out.
    ///
    /// # Errors
    ///
    /// Its failure, or what it may not do.
    pub async fn assess(
        &self,
        agency: &str,
        motion: &Motion,
        scope: Scope,
    ) -> Result<Assessment, Failure> {
        let (shared, catalog) = (&self.host.shared, self.host.catalog());
        let failed = |error: CatalogError| Failure::Failed(error.to_string());
        let entry = catalog.find(agency).map_err(failed)?;
        let manifest = entry.manifest().map_err(failed)?;
        let mut limits = CallLimits::of(entry.kind(), &manifest.limits);
        limits.wall = limits.wall.min(scope.deadline);
        let (wall, most) = (limits.wall, limits.output);
        let component = self.ready(&catalog, agency)?;
        let caller = Caller {
            scope,
            grant: entry.grant(None).map_err(failed)?,
            domain: DOMAIN.to_owned(),
            keeps_effects: false,
            shows: false,
            overwrites: false,
            workdir: Arc::clone(&self.workdir),
            account: None,
        };
        let data = GuestState::new(agency, limits, &shared.brokers, Some(caller));
        let (mut store, watch) = shared.store(data)?;
        let motion = convert::motion(motion);
        let step = async {
            let guest = component.instantiate_async(&mut store).await?;
            let guest = guest.openkoi_agency_agency();
            guest.call_assess(&mut store, &motion).await
        };
        let said = watch.step(wall, step).await?.map_err(Failure::from)?;
        convert::assessment(said, most, &|place| self.is_there(place))
    }

    /// Returns whether a place of the workspace is there, as `file` or `file:line`.
    fn is_there(&self, place: &str) -> bool {
        let (path, line) = match place.rsplit_once(':') {
            Some((path, line)) => match line.parse::<usize>() {
                Ok(line) => (path, Some(line)),
                Err(_) => return false,
            },
            None => (place, None),
        };
        let is_inside = !path.starts_with('/') && !path.split('/').any(|part| part == "..");
        let path = self.workdir.root.join(path);
        match line {
            _ if !is_inside => false,
            None => disk::is_file(&path),
            Some(line) => disk::read(&path, LONGEST_CITED).is_ok_and(|bytes| {
                (1..=bytes.split(|byte| *byte == b'\n').count()).contains(&line)
            }),
        }
    }

    fn ready(&self, catalog: &Catalog, agency: &str) -> Result<Guest, Failure> {
        self.host.shared.ready::<Guest>(catalog, agency)
    }
}
