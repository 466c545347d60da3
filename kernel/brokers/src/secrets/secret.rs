//! The bytes of a credential.

use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A credential's bytes. Wiped when dropped, never printed, never shown outside this crate.
#[derive(Clone)]
pub struct Secret {
    bytes: Arc<Zeroizing<Vec<u8>>>,
    signing: Option<Arc<Signing>>,
}

/// What goes with a secret that signs requests.
pub(crate) struct Signing {
    /// Whose secret it is; public.
    pub(crate) id: String,
    /// What a secret of a session is sent with.
    pub(crate) token: Option<Secret>,
}

impl Secret {
    /// Takes bytes that a person typed or a service issued.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(Zeroizing::new(bytes)), signing: None }
    }

    /// Takes a secret that signs requests, with the id it goes by and the token of its session.
    #[must_use]
    pub fn signing(id: String, secret: Vec<u8>, token: Option<Vec<u8>>) -> Self {
        let signing = Signing { id, token: token.map(Self::new) };
        Self { signing: Some(Arc::new(signing)), ..Self::new(secret) }
    }

    /// Whether it signs requests instead of being sent with them.
    #[must_use]
    pub fn signs(&self) -> bool {
        self.signing.is_some()
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn signer(&self) -> Option<&Signing> {
        self.signing.as_deref()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([redacted])")
    }
}
