//! The hosts that the programs of a call reach: those that the user named, and those that a person allows when a program
//! first wants one of them.

use std::sync::Arc;

use openkoi_brokers::{
    egress::Proxies,
    processes::{Admission, Admitted, Network, NetworkPolicy},
};
use openkoi_core::{
    gate::Gate,
    network::{HostQuestion, NetworkRules, Reachable},
};
use tokio::sync::Mutex;

use crate::instance::Caller;

/// Returns the network of a program that `origin` starts.
pub(crate) fn of_program(caller: &Caller, origin: &str) -> Network {
    let rules = &caller.workdir.network;
    if caller.grant.network || *rules == NetworkRules::Open {
        return Network::Open;
    }
    // What leaves the machine cannot be dropped afterwards, so a person is asked about hosts that were named too.
    let on_trial = caller.scope.gate.is_on_trial(&caller.scope.key);
    // Checks and judges say the same today and tomorrow, so they reach what the user named and nobody is asked.
    let asks = caller.keeps_effects && *rules != NetworkRules::Closed;
    let asks = asks.then(|| Asks {
        gate: Arc::clone(&caller.scope.gate),
        key: caller.scope.key.clone(),
        origin: origin.to_owned(),
        one_by_one: Mutex::new(()),
    });
    if asks.is_none() && !matches!(rules, NetworkRules::Named(_)) {
        return Network::Closed;
    }
    let proxies = caller.workdir.proxies.clone();
    Network::Named(Arc::new(HostsOfCall { rules: rules.clone(), asks, on_trial, proxies }))
}

/// Returns the network of a program in the background: it goes on while other calls are made, so nobody is asked on its
/// behalf, and it reaches what the user named.
pub(crate) fn of_background(caller: &Caller) -> Network {
    let rules = &caller.workdir.network;
    match rules {
        _ if caller.grant.network => Network::Open,
        NetworkRules::Open => Network::Open,
        NetworkRules::Named(_) => {
            let (rules, proxies) = (rules.clone(), caller.workdir.proxies.clone());
            let hosts = HostsOfCall { rules, asks: None, on_trial: false, proxies };
            Network::Named(Arc::new(hosts))
        }
        _ => Network::Closed,
    }
}

struct HostsOfCall {
    rules: NetworkRules,
    asks: Option<Asks>,
    on_trial: bool,
    proxies: Proxies,
}

struct Asks {
    gate: Arc<Gate>,
    key: String,
    origin: String,
    /// The answer to one connection is known before the next one is asked about.
    one_by_one: Mutex<()>,
}

impl NetworkPolicy for HostsOfCall {
    fn proxies(&self) -> Option<&Proxies> {
        Some(&self.proxies)
    }

    fn admit<'a>(&'a self, host: &'a str, port: u16) -> Admitted<'a> {
        Box::pin(async move {
            let named = self.rules.reach(host, port).map(|reachable| match reachable {
                Reachable::Public => Admission::Public,
                Reachable::Anywhere => Admission::Private,
            });
            if let (Some(admission), false) = (&named, self.on_trial) {
                if let Some(asks) = &self.asks {
                    asks.gate.note_host(&HostQuestion::about(host, port));
                }
                return Ok(*admission);
            }
            let Some(asks) = &self.asks else {
                return Err(format!(
                    "{host}:{port} is not reached: `sandbox.network` does not name it"
                ));
            };
            let _turn = asks.one_by_one.lock().await;
            let question = HostQuestion::about(host, port);
            let passed = asks.gate.pass_host(&asks.key, &asks.origin, &question).await;
            passed
                .map(|()| named.unwrap_or(Admission::Public))
                .map_err(|why| format!("{host}:{port} is not reached: {why}"))
        })
    }
}
