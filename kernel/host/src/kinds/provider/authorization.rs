//! The credential of a request to a provider, and the base URL that it is for.

use openkoi_core::model::ModelTrouble;

use super::{attempt_error::AttemptError, setup::ProviderClient};
use crate::{
    host::Shared,
    service::{address::Address, credential::Authorization},
};

impl ProviderClient {
    /// Returns the authorization of the next request.
    pub(super) async fn authorization(
        &self,
        shared: &Shared,
    ) -> Result<Authorization, AttemptError> {
        self.authorization_at(shared, self.address.as_ref()).await
    }

    /// Returns the authorization of a request for the list of models.
    pub(super) async fn authorization_for_lists(
        &self,
        shared: &Shared,
    ) -> Result<Authorization, AttemptError> {
        let elsewhere = self.lists.as_ref();
        let mut found = self.authorization_at(shared, elsewhere.or(self.address.as_ref())).await?;
        found.address = found.address.or_else(|| elsewhere.cloned());
        Ok(found)
    }

    async fn authorization_at(
        &self,
        shared: &Shared,
        address: Option<&Address>,
    ) -> Result<Authorization, AttemptError> {
        let Some(address) = address else { return Ok(Authorization::default()) };
        let addresses = std::slice::from_ref(address);
        let found = self.credential.authorization(&shared.brokers, addresses).await;
        found.map_err(|error| AttemptError::of_service(self.name(), error))
    }

    /// Renews `authorization`, whose token the provider refused.
    pub(super) async fn renewed_authorization(
        &self,
        shared: &Shared,
        authorization: &Authorization,
    ) -> Result<Authorization, AttemptError> {
        let addresses = self.address.as_slice();
        let renewed = self.credential.renewed(&shared.brokers, authorization, addresses).await;
        renewed.map_err(|error| AttemptError::of_service(self.name(), error))
    }

    /// Returns the address of a request.
    pub(super) fn address_of<'a>(
        &'a self,
        authorization: &'a Authorization,
    ) -> Option<&'a Address> {
        authorization.address.as_ref().or(self.address.as_ref())
    }

    /// Returns the headers to add to the codec's.
    pub(super) fn headers_of(&self, authorization: &Authorization) -> Vec<(String, Vec<u8>)> {
        let all = self.settings.headers.iter().chain(&authorization.headers);
        all.map(|(name, value)| (name.clone(), value.as_bytes().to_vec())).collect()
    }

    /// Checks that the credential of a request is the one that its codec names, if it names one.
    pub(super) fn check_named(
        &self,
        named: Option<&str>,
        authorization: &Authorization,
    ) -> Result<(), AttemptError> {
        let Some(named) = named.filter(|named| authorization.name.as_deref() != Some(named)) else {
            return Ok(());
        };
        let named = crate::text::one_line(named, 80);
        if self.manifest.credentials.iter().all(|entry| entry.name != named) {
            let message = format!("its manifest declares no credential `{named}`");
            return Err(AttemptError::of(ModelTrouble::Denied, self.name(), &message, ""));
        }
        let message = format!("the request needs the credential `{named}`, and there is none");
        Err(AttemptError::of(ModelTrouble::Credentials, self.name(), &message, ""))
    }

    /// Adds the sources of a refused key as a hint.
    pub(super) fn with_sources_of_key(&self, mut error: AttemptError) -> AttemptError {
        if error.cause.kind == ModelTrouble::Credentials
            && let Some(advice) = self.credential.advice()
        {
            error.cause.hint = advice;
        }
        error
    }
}
