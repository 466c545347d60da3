//! A credential of an account at a service that is no provider: a key that is kept, or a login.

use openkoi_app::{access::KeySlot, accounts::AccountConnection, settings::Settings};

use super::{
    connected::Connected,
    key,
    login::{self, Wanted},
};
use crate::{context::Context, error::CommandError};

/// Connects an account. A key is not tried: no address is known that any key may ask.
pub(super) fn run(
    account: &AccountConnection,
    settings: &Settings,
    context: &Context,
) -> Result<Connected, CommandError> {
    let AccountConnection { name, key: kept_as, .. } = account;
    let (verified, kept) = match &account.login {
        Some(login) => (true, login::run(&Wanted { name, kept_as, login }, settings, context)?),
        None => {
            let secret = key::proper(&key::read(name, context)?)?;
            (false, Some(key::keep(kept_as, secret, settings, context)?))
        }
    };
    key::warn_of_others(&account.sources, settings, context)?;
    let place = match kept {
        Some(KeySlot::Keyring) => "; the key is in the key ring",
        _ => "",
    };
    let uses = format!(": `{}` asks with it{place}", account.component);
    Ok(Connected { name: name.clone(), model: None, verified, is_silent: false, kept, note: uses })
}
