//! What makes vectors, for memory and for skills.

use openkoi_app::{error::AppError, memory::Meaning, thread};
use openkoi_storage::Storage;

use crate::{context::Context, error::CommandError};

/// Returns what makes vectors. Memory can do without.
pub(in crate::commands) fn of(context: &Context) -> Option<Meaning> {
    let meaning = context.workspace().map(|workspace| Meaning::of(&context.app, &workspace));
    match meaning {
        Ok(Ok(meaning)) => meaning,
        Ok(Err(error)) => {
            tracing::debug!(%error, "memory is searched by words alone");
            None
        }
        Err(_) => None,
    }
}

/// Makes vectors of what has none. What cannot be embedded is still found by its words.
pub(super) async fn embed(meaning: &Meaning, storage: &Storage) {
    if let Err(error) = meaning.catch_up(storage).await {
        tracing::warn!(%error, "what is remembered is not embedded");
    }
}

/// Makes vectors of what was just written, if that costs little. Otherwise a later task does, or a search.
pub(super) fn embed_new(storage: &Storage, context: &Context) -> Result<(), CommandError> {
    if let Some(meaning) = of(context).filter(Meaning::is_at_hand) {
        thread::block(async {
            embed(&meaning, storage).await;
            Ok::<_, AppError>(())
        })?;
    }
    Ok(())
}
