//! Errors of webhooks.

use openkoi_brokers::webhook_secrets::WebhookSecretError;

/// Why a webhook cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// The secrets cannot be read or kept.
    #[error(transparent)]
    Secrets(#[from] WebhookSecretError),
}
