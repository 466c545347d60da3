//! Images and documents: bytes that a model is shown.

use serde::{Deserialize, Serialize};

/// Bytes with their media type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blob {
    /// Media type, for example `image/png`.
    pub media_type: String,
    /// Contents in that type.
    #[serde(with = "hex_bytes")]
    pub bytes: Vec<u8>,
}

impl Blob {
    /// Returns an estimate of its pages: one, if it is an image.
    pub(crate) fn pages(&self) -> usize {
        /// A page of text takes less, one of scans more.
        const PAGE: usize = 64 << 10;
        if self.media_type.starts_with("image/") { 1 } else { 1 + self.bytes.len() / PAGE }
    }
}

/// Bytes as hexadecimal text, so that the journal stays readable JSON.
mod hex_bytes {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&crate::hash::hex(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        crate::hash::unhex(&text).ok_or_else(|| D::Error::custom("not hexadecimal"))
    }
}
