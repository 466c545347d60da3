//! The embedder of the catalog.

use std::sync::Arc;

use openkoi_core::{
    failure::Failure,
    port::{Embedder, Pending, Purpose, Vectors},
};
use wasmtime::component::InstancePre;

use crate::{
    catalog::{Catalog, CatalogEntry},
    host::Host,
    instance::{CallLimits, GuestState},
    linker::Exports,
    manifest::Kind,
    text,
};
use bindings::{EmbedderExportsPre, exports::openkoi::embedder::embedder as wit};

/// The exports of an embedder.
#[allow(missing_docs, clippy::all, reason = "generated code; the contract carries the comments")]
mod bindings {
    wasmtime::component::bindgen!({
        path: ["../../wit/types", "../../wit/host", "../../wit/embedder"],
        inline: "
            package openkoi:host-side-embedder@0.1.0;
            world embedder-exports { export openkoi:embedder/embedder@0.1.0; }
        ",
        exports: { default: async },
        with: {
            "openkoi:types/failures": crate::bindings::imports::openkoi::types::failures,
        },
        require_store_data_send: true,
    });
}

/// The exports of an embedder.
pub(super) type Guest = EmbedderExportsPre<GuestState>;

impl Exports for Guest {
    const KIND: Kind = Kind::Embedder;

    fn find(instance: InstancePre<GuestState>) -> wasmtime::Result<Self> {
        Self::new(instance)
    }
}

/// The most texts of one call: the contract says so.
const MOST_TEXTS: usize = 256;
/// The most numbers of a vector.
const MOST_NUMBERS: u32 = 8_192;
/// The longest name of a model, in bytes.
const LONGEST_NAME: usize = 80;

/// The embedder of a catalog. It is loaded when it is first asked.
#[derive(Clone, Debug)]
pub struct CatalogEmbedder {
    host: Host,
    component: String,
}

impl CatalogEmbedder {
    /// Takes the first component of the kind by name, if there is one.
    #[must_use]
    pub fn of(host: &Host) -> Option<Self> {
        let catalog = host.catalog();
        let component = catalog.of_kind(Kind::Embedder).next()?.name().to_owned();
        Some(Self { host: host.clone(), component })
    }

    fn entry(&self, catalog: &Catalog) -> Result<Arc<CatalogEntry>, Failure> {
        catalog.find(&self.component).map_err(|error| Failure::Failed(error.to_string()))
    }

    async fn embedded(&self, texts: &[String], purpose: Purpose) -> Result<Vectors, Failure> {
        let mut all = self.portion(&texts[..texts.len().min(MOST_TEXTS)], purpose).await?;
        for texts in texts.chunks(MOST_TEXTS).skip(1) {
            let more = self.portion(texts, purpose).await?;
            if more.model != all.model {
                return Err(Failure::Failed("the embedder changed meanwhile".to_owned()));
            }
            all.vectors.extend(more.vectors);
        }
        Ok(all)
    }

    /// Turns as many texts into vectors as one call takes.
    async fn portion(&self, texts: &[String], purpose: Purpose) -> Result<Vectors, Failure> {
        let (shared, catalog) = (&self.host.shared, self.host.catalog());
        let entry = self.entry(&catalog)?;
        let manifest = entry.manifest().map_err(|error| Failure::Failed(error.to_string()))?;
        let limits = CallLimits::of(entry.kind(), &manifest.limits);
        let component = shared.ready::<Guest>(&catalog, &self.component)?;
        let wall = limits.wall;
        let data = GuestState::new(&self.component, limits, &shared.brokers, None);
        let (mut store, watch) = shared.store(data)?;
        let step = async {
            let guest = component.instantiate_async(&mut store).await?;
            let guest = guest.openkoi_embedder_embedder();
            let info = guest.call_describe(&mut store).await?;
            let made = match texts {
                [] => Ok(Vec::new()),
                texts => guest.call_embed(&mut store, texts, purpose.into()).await?,
            };
            Ok((info, made))
        };
        let (info, made) = watch.step(wall, step).await?;
        checked(&info, made.map_err(Failure::from)?, texts.len())
    }
}

impl Embedder for CatalogEmbedder {
    fn is_ready(&self) -> bool {
        let catalog = self.host.catalog();
        catalog.find(&self.component).is_ok_and(|entry| catalog.is_compiled(&entry))
    }

    fn embed<'a>(
        &'a self,
        texts: &'a [String],
        purpose: Purpose,
    ) -> Pending<'a, Result<Vectors, Failure>> {
        Box::pin(self.embedded(texts, purpose))
    }
}

/// Returns the vectors, if they are what the contract promises.
fn checked(
    info: &wit::ModelInfo,
    vectors: Vec<Vec<f32>>,
    texts: usize,
) -> Result<Vectors, Failure> {
    let model = text::one_line(&info.name, LONGEST_NAME);
    let is_whole = |vector: &Vec<f32>| {
        vector.len() == info.dimension as usize && vector.iter().all(|number| number.is_finite())
    };
    if !(1..=MOST_NUMBERS).contains(&info.dimension) || model.is_empty() {
        return Err(Failure::Failed("the embedder does not say what it makes".to_owned()));
    }
    if vectors.len() != texts || !vectors.iter().all(is_whole) {
        return Err(Failure::Failed(format!("`{model}` made vectors of another kind or number")));
    }
    Ok(Vectors { model, vectors })
}

impl From<Purpose> for wit::Purpose {
    fn from(purpose: Purpose) -> Self {
        match purpose {
            Purpose::Passage => Self::Passage,
            Purpose::Query => Self::Query,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(name: &str, dimension: u32) -> wit::ModelInfo {
        let name = name.to_owned();
        wit::ModelInfo { name, dimension, max_bytes: 100, normalised: true }
    }

    #[test]
    fn vectors_that_are_not_what_was_promised_are_refused() {
        let whole = vec![vec![0.5, -0.5], vec![1.0, 0.0]];
        let made = checked(&info("a@1", 2), whole.clone(), 2).unwrap();
        assert_eq!((made.model.as_str(), made.vectors.len()), ("a@1", 2));
        for (info, vectors, texts) in [
            (info("a@1", 2), whole.clone(), 3),
            (info("a@1", 3), whole.clone(), 2),
            (info("a@1", 2), vec![vec![f32::NAN, 0.0]], 1),
            (info("a@1", 2), vec![vec![f32::INFINITY, 0.0]], 1),
            (info("a@1", 0), vec![vec![]], 1),
            (info("a@1", MOST_NUMBERS + 1), Vec::new(), 0),
            (info("", 2), whole, 2),
        ] {
            checked(&info, vectors, texts).unwrap_err();
        }
    }
}
