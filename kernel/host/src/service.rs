//! Services: what providers of models and components with keys have in common. A service has addresses, credentials
//! that are for these addresses alone, and a back-off for times in which it does not answer.
//!
//! | module | does |
//! |---|---|
//! | `address` | base URLs, and the rules and bindings that follow from them |
//! | `url_template` | placeholders in base URLs |
//! | `credential` | finds a credential, renews it, and says where in a request it goes |
//! | `account` | the credentials of a component for one account of the user |
//! | `backoff`, `retry` | rests of a service that fails, and waits between attempts |
//! | `send` | a component's request with a credential, tried again where that does no harm |

pub(crate) mod account;
pub(crate) mod address;
pub(crate) mod backoff;
pub(crate) mod credential;
pub(crate) mod error;
pub(crate) mod retry;
pub(crate) mod send;
pub(crate) mod url_template;

pub use account::{AccountSettings, CredentialSettings, key_of};
pub use address::AddressError;
pub use url_template::TemplateError;
