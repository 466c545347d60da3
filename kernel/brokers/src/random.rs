//! Random bytes of the operating system, and ids made of them.

use std::sync::{Arc, Mutex, PoisonError};

/// Crockford's alphabet in lower case: no `i`, `l`, `o`, `u`.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ENTROPY_BITS: u32 = 80;

/// The operating system had no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gives no random bytes")]
pub struct RandomError(#[source] getrandom::Error);

/// The random bytes of the operating system. The ids of clones have one order.
#[derive(Debug, Clone, Default)]
pub struct Random {
    last: Arc<Mutex<u128>>,
}

impl Random {
    /// Returns `N` random bytes, fit for keys.
    ///
    /// # Errors
    ///
    /// The operating system has none to give.
    pub fn bytes<const N: usize>(&self) -> Result<[u8; N], RandomError> {
        let mut bytes = [0; N];
        getrandom::fill(&mut bytes).map_err(RandomError)?;
        Ok(bytes)
    }

    /// Returns a new id: a ULID, 26 characters in lower case, that sorts after the ids made before it here
    /// even within one millisecond and when the clock goes back.
    ///
    /// # Errors
    ///
    /// As for [`Random::bytes`].
    pub fn id(&self, now_ms: u64) -> Result<String, RandomError> {
        let mut entropy = [0; 16];
        entropy[6..].copy_from_slice(&self.bytes::<10>()?);
        let time = u128::from(now_ms & 0xffff_ffff_ffff) << ENTROPY_BITS;
        let fresh = time | u128::from_be_bytes(entropy);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last = if fresh > *last { fresh } else { last.wrapping_add(1) };
        Ok(encode(*last))
    }
}

fn encode(value: u128) -> String {
    (0..26).rev().map(|digit| char::from(ALPHABET[(value >> (digit * 5)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use super::{Random, encode};

    #[test]
    fn ids_sort_in_the_order_they_were_made_even_when_the_clock_goes_back() {
        let random = Random::default();

        let ids: Vec<String> =
            [5, 5, 5, 9, 1, 0].iter().map(|now| random.id(*now).unwrap()).collect();

        assert!(ids.is_sorted_by(|a, b| a < b), "{ids:?}");
    }

    #[test]
    fn an_id_is_a_ulid_in_lower_case() {
        let id = Random::default().id(1_469_918_176_385).unwrap();

        assert!(id.starts_with("01aryz6s41"), "{id}");
        assert_eq!(id.len(), 26);
        assert_eq!(encode(u128::MAX), "7zzzzzzzzzzzzzzzzzzzzzzzzz");
        assert_eq!(encode(0), "0".repeat(26));
    }

    #[test]
    fn two_draws_differ() {
        let random = Random::default();

        assert_ne!(random.bytes::<32>().unwrap(), random.bytes::<32>().unwrap());
    }
}
