//! Requests to scripted servers, and a resolver that counts.
#![allow(dead_code, reason = "each test file uses its part")]

use openkoi_brokers::egress::{
    Addresses, Credential, Egress, EgressError, EgressLimits, EgressSettings, Injection, Request,
    Resolve, Response,
};
use openkoi_brokers::secrets::{Secret, SecretStore};
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

pub(crate) const SECRET: &str = "sk-test-4f9c1e7b2a6d";

/// A resolver that answers every name with the same addresses, and counts.
#[derive(Default)]
pub(crate) struct Names {
    pub addresses: Vec<IpAddr>,
    /// The answer from the second question on, if that differs.
    pub later: Option<IpAddr>,
    pub asked: AtomicUsize,
    pub names: Mutex<Vec<String>>,
}

impl Names {
    pub(crate) fn all(address: &str) -> Arc<Self> {
        Arc::new(Self { addresses: vec![address.parse().unwrap()], ..Self::default() })
    }
}

impl Resolve for Names {
    fn resolve(&self, name: &str) -> Addresses {
        let earlier = self.asked.fetch_add(1, Ordering::SeqCst);
        self.names.lock().unwrap().push(name.to_owned());
        let addresses = match self.later {
            Some(later) if earlier > 0 => vec![later],
            _ => self.addresses.clone(),
        };
        Box::pin(async move { Ok(addresses) })
    }
}

pub(crate) fn egress(names: &Arc<Names>) -> (Egress, SecretStore) {
    let secrets = SecretStore::new(Path::new("/nonexistent"), Arc::new(HashMap::new()));
    let resolver = Arc::clone(names) as Arc<dyn Resolve>;
    let settings = EgressSettings { resolver, ..EgressSettings::default() };
    (Egress::new(secrets.clone(), settings), secrets)
}

pub(crate) fn request(url: &str, rules: &[&str]) -> Request {
    Request {
        caller: "fetch".to_owned(),
        method: "GET".to_owned(),
        url: url.to_owned(),
        headers: Vec::new(),
        body: Vec::new(),
        credentials: Vec::new(),
        rules: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
        limits: EgressLimits::standard(),
    }
}

pub(crate) fn credential(host: String, inject: Injection) -> Credential {
    let secret = Secret::new(SECRET.as_bytes().to_vec());
    Credential { name: "service".to_owned(), secret, host, within: None, inject }
}

pub(crate) fn api_key() -> Injection {
    Injection::Header { name: "X-Api-Key".to_owned(), prefix: String::new() }
}

pub(crate) async fn send(request: Request) -> Result<Response, EgressError> {
    egress(&Names::all("127.0.0.1")).0.send(request).await
}

pub(crate) async fn body(response: &mut Response) -> String {
    String::from_utf8(response.body.read_to_end().await.unwrap()).unwrap()
}
