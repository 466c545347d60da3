//! Errors of the daemon.

use openkoi_app::error::AppError;

/// Why the daemon does not run.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// The application refused.
    #[error(transparent)]
    App(#[from] AppError),
    /// It cannot be reached as the settings say.
    #[error("{0}")]
    Settings(String),
    /// The API's description cannot be held, which is a defect.
    #[error("the schema of a route cannot be used: {0}")]
    Description(String),
    /// The port is taken.
    #[error("nobody can listen at {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// The system's error.
        source: std::io::Error,
    },
}
