//! The API: one table of routes, from which both the server and its OpenAPI document are made.
//!
//! | module | does |
//! |---|---|
//! | `routes` | the table |
//! | `shared` | what all calls share |
//! | `route` | what a route is, and a call of it |
//! | `guard` | who may come in |
//! | `serve` | connections, and calls through guard and table |
//! | `problem` | errors, as RFC 9457 has them |
//! | `openapi` | the description |
//! | `types` | what goes over the wire |
//! | `page` | the web page, which is no part of the table |
//! | `tasks`, `events`, `approvals`, `sessions`, `schedules`, `webhooks`, `overview`, `knowledge` | the answers |

mod approvals;
mod bodies;
mod events;
mod guard;
mod knowledge;
mod openapi;
mod overview;
mod page;
mod problem;
mod route;
mod routes;
mod schedules;
mod serve;
mod sessions;
mod shared;
mod tasks;
mod types;
mod webhooks;

pub use serve::Server;
