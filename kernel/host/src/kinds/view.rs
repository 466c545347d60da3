//! The views of the catalog.

mod convert;

use openkoi_core::{
    document::Document,
    failure::Failure,
    port::Pending,
    views::{Fact, Report, Views},
};
use serde_json::Value;
use wasmtime::component::InstancePre;

use crate::{
    bindings::view::ViewExportsPre,
    catalog::CatalogError,
    host::Host,
    instance::{CallLimits, GuestState, Reader},
    linker::Exports,
    manifest::Kind,
};

/// The exports of a view.
pub(super) type Guest = ViewExportsPre<GuestState>;

impl Exports for Guest {
    const KIND: Kind = Kind::View;

    fn find(instance: InstancePre<GuestState>) -> wasmtime::Result<Self> {
        Self::new(instance)
    }
}

/// The views of a catalog, for somebody in one workspace. Each is loaded when it is first asked.
#[derive(Clone, Debug)]
pub struct CatalogViews {
    host: Host,
    workspace: String,
}

impl CatalogViews {
    /// Takes the views of a host. No manifest is read yet.
    #[must_use]
    pub fn new(host: &Host, workspace: &str) -> Self {
        Self { host: host.clone(), workspace: workspace.to_owned() }
    }

    /// Returns the reports of all views, as view and name. A view whose manifest cannot be read has none.
    #[must_use]
    pub fn names(&self) -> Vec<(String, String)> {
        let catalog = self.host.catalog();
        let views = catalog.of_kind(Kind::View);
        let names = views.filter_map(|entry| {
            let manifest = entry.manifest().ok()?;
            let reports = manifest.view.iter().flat_map(|part| &part.reports);
            let all = reports.map(|report| (entry.name().to_owned(), report.name.clone()));
            Some(all.collect::<Vec<_>>())
        });
        names.flatten().collect()
    }

    async fn rendered(&self, report: &Report, arguments: &Value) -> Result<Document, Failure> {
        let (shared, catalog) = (&self.host.shared, self.host.catalog());
        let entry = catalog.find(&report.view).map_err(failed)?;
        let manifest = entry.manifest().map_err(failed)?;
        let limits = CallLimits::of(entry.kind(), &manifest.limits);
        let (wall, most) = (limits.wall, limits.output);
        let component = shared.ready::<Guest>(&catalog, &report.view)?;
        let grant = entry.grant(None).map_err(failed)?;
        let reader = Reader { grant, workspace: self.workspace.clone() };
        let data = GuestState::reading(&report.view, limits, &shared.brokers, reader);
        let (mut store, watch) = shared.store(data)?;
        let arguments = arguments.to_string();
        let step = async {
            let guest = component.instantiate_async(&mut store).await?;
            guest.openkoi_view_view().call_render(&mut store, &report.name, &arguments).await
        };
        let document = watch.step(wall, step).await?.map_err(Failure::from)?;
        convert::document(document, most)
    }
}

fn failed(error: CatalogError) -> Failure {
    match error {
        CatalogError::Unknown { name } => Failure::NotFound(format!("the view `{name}`")),
        error => Failure::Failed(error.to_string()),
    }
}

impl Views for CatalogViews {
    fn report(&self, view: &str, name: &str) -> Result<Report, Failure> {
        let entry = self.host.catalog().find(view).map_err(failed)?;
        let manifest = entry.manifest().map_err(failed)?;
        let reports = manifest.view.iter().flat_map(|part| &part.reports);
        let found = reports.into_iter().find(|report| report.name == name);
        let found =
            found.ok_or_else(|| Failure::NotFound(format!("the report `{view} {name}`")))?;
        let given = found.given.iter().filter_map(|word| Fact::of_word(word));
        Ok(Report {
            view: view.to_owned(),
            name: found.name.clone(),
            arguments: found.arguments.clone(),
            given: given.collect(),
        })
    }

    fn render<'a>(
        &'a self,
        report: &'a Report,
        arguments: &'a Value,
    ) -> Pending<'a, Result<Document, Failure>> {
        Box::pin(self.rendered(report, arguments))
    }
}
