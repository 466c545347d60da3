//! The bytes of a credential.

use std::fmt;
use std::sync::Arc;
use zeroize::Zeroizing;

/// A credential's bytes. They are wiped when it is dropped, and neither printed nor given out of this crate.
#[derive(Clone)]
pub struct Secret {
    bytes: Arc<Zeroizing<Vec<u8>>>,
    signing: Option<Arc<Signing>>,
}

/// The further parts of a key that signs requests.
pub(crate) struct Signing {
    /// The id of the key. It is public.
    pub(crate) id: String,
    /// The token of a session, which is sent along.
    pub(crate) token: Option<Secret>,
}

impl Secret {
    /// Makes a secret of bytes that a person typed or a service issued.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self { bytes: Arc::new(Zeroizing::new(bytes)), signing: None }
    }

    /// Makes a key that signs requests, of its id, its secret and the token of a session.
    #[must_use]
    pub fn signing(id: String, secret: Vec<u8>, token: Option<Vec<u8>>) -> Self {
        let signing = Signing { id, token: token.map(Self::new) };
        Self { signing: Some(Arc::new(signing)), ..Self::new(secret) }
    }

    /// Tells whether it signs requests instead of being sent with them.
    #[must_use]
    pub fn signs(&self) -> bool {
        self.signing.is_some()
    }

    /// Tells whether it has no bytes.
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
