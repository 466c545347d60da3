//! What happens before a panic becomes a trap.

use std::sync::Once;

/// Makes a panic say in the host's log what it was about before the instance traps.
#[doc(hidden)]
pub fn prepare() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        std::panic::set_hook(Box::new(|panic| crate::log::error(&panic.to_string())));
    });
}
