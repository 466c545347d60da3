//! Logins to services: made by a person, kept in the home, and their tokens renewed.
//!
//! The data of a login is a [`Login`](openkoi_core::credential::Login) (RFC 8628 and RFC 6749, with the differences
//! that services have); no service is known by name here. Tokens are kept in `auth.json` of the home. They leave this
//! crate as an [`AccessToken`], whose secret the egress broker puts into requests.
//!
//! A token is renewed when it is needed: when less than a minute of it is left, or when the service refused it. For
//! each login one process at a time renews, under a lock beside the file, and those that waited use its result. A new
//! token is on the disk before it is used, because a service may accept each refresh token only once.
//!
//! | module | does |
//! |---|---|
//! | `logins` | the logins of a home: listed, removed, kept under their locks |
//! | `device` | makes a login: the code for the person, then the polls |
//! | `authorize`, `loopback` | makes a login in a browser, which comes back to this machine |
//! | `client` | gets a token for the program itself |
//! | `discovery` | what a service says of its logins, and the name of this program there |
//! | `renew` | returns a valid token, renewing it if need be |
//! | `revoke` | tells the service that a login is over |
//! | `service`, `token` | one request to the service, and the tokens of its answer |
//! | `login` | checks a login's data |

mod authorize;
mod client;
mod device;
mod discovery;
mod error;
mod lock;
mod login;
mod logins;
mod loopback;
mod renew;
mod revoke;
mod service;
mod token;

pub use authorize::{BrowserAnswer, PendingAuthorization};
pub use device::PendingLogin;
pub use error::LoginError;
pub use login::{UnfitLogin, check_login};
pub use logins::{LoginSummary, Logins};
pub use token::AccessToken;
