//! `state`: the component's own key-value space.

use std::sync::Arc;

use openkoi_core::{capability::Use, failure::Failure, port::StateStore};

use super::{Stop, WitResult, blocking, wit_result};
use crate::{bindings::imports::openkoi::host::state::Host, instance::GuestState};

const KEY_BYTES: usize = 512;
const VALUE_BYTES: usize = 256 << 10;
const MOST_KEYS: usize = 1_000;

impl Host for GuestState {
    async fn get(&mut self, key: String) -> WitResult<Option<Vec<u8>>> {
        wit_result(self.state_get(key).await)
    }

    async fn set(&mut self, key: String, value: Vec<u8>) -> WitResult<()> {
        wit_result(self.state_set(key, value).await)
    }

    async fn delete(&mut self, key: String) -> WitResult<()> {
        wit_result(self.state_delete(key).await)
    }

    async fn keys(&mut self, prefix: String, after: Option<String>) -> WitResult<Vec<String>> {
        wit_result(self.state_keys(prefix, after).await)
    }
}

impl GuestState {
    async fn state_get(&mut self, key: String) -> Result<Option<Vec<u8>>, Stop> {
        self.charge(key.len())?;
        let value = self.in_state(&key, |store, component, key| store.get(component, key)).await?;
        self.charge_bytes(value.as_ref().map_or(0, Vec::len))?;
        Ok(value)
    }

    async fn state_set(&mut self, key: String, value: Vec<u8>) -> Result<(), Stop> {
        self.charge(key.len() + value.len())?;
        if value.len() > VALUE_BYTES {
            return Err(limited("state-value-bytes", VALUE_BYTES).into());
        }
        let quota = self.limits.state;
        let set = move |store: &dyn StateStore, component: &str, key: &str| {
            store.set(component, key, &value, quota)
        };
        Ok(self.in_state(&key, set).await?)
    }

    async fn state_delete(&mut self, key: String) -> Result<(), Stop> {
        self.charge(key.len())?;
        Ok(self.in_state(&key, |store, component, key| store.delete(component, key)).await?)
    }

    async fn state_keys(
        &mut self,
        prefix: String,
        after: Option<String>,
    ) -> Result<Vec<String>, Stop> {
        self.charge(prefix.len() + after.as_ref().map_or(0, String::len))?;
        let list = move |store: &dyn StateStore, component: &str, prefix: &str| {
            store.keys(component, prefix, after.as_deref(), MOST_KEYS)
        };
        let keys = self.in_state(&prefix, list).await?;
        self.charge_bytes(keys.iter().map(String::len).sum())?;
        Ok(keys)
    }

    async fn in_state<T: Send + 'static>(
        &mut self,
        key: &str,
        work: impl FnOnce(&dyn StateStore, &str, &str) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        self.pass_reading(&Use::Whole { interface: "state", target: "its own state" }).await?;
        if key.len() > KEY_BYTES {
            return Err(limited("state-key-bytes", KEY_BYTES));
        }
        let (store, component) = (Arc::clone(&self.brokers.state), Arc::clone(&self.component));
        let key = key.to_owned();
        blocking(self.limits.host_call, move || work(&*store, &component, &key)).await
    }
}

fn limited(name: &str, value: usize) -> Failure {
    Failure::Limited { name: name.to_owned(), value: value as u64, knob: String::new() }
}
