//! A home with a login, and a clock that tests move.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use openkoi_brokers::{
    egress::{Egress, EgressError, EgressLimits, EgressSettings, Request},
    oauth::{AccessToken, LoginError, Logins, PendingLogin, check_login},
    secrets::SecretStore,
};
use openkoi_core::{
    credential::Login,
    port::{Clock, Pending},
};
use openkoi_test_support::authorization::Authorization;
use serde_json::{Value, json};

/// A clock that goes on only when somebody sleeps or a test says so.
#[derive(Default)]
pub(crate) struct Stopped {
    times: Mutex<(u64, i64)>,
    pauses: Mutex<Vec<u64>>,
}

const BEGIN: u64 = 1_800_000_000;

impl Stopped {
    /// Seconds since 1970.
    pub(crate) fn now(&self) -> u64 {
        self.now_ms() / 1_000
    }

    /// Lets time pass.
    pub(crate) fn advance(&self, seconds: u64) {
        self.times.lock().unwrap().0 += seconds * 1_000;
    }

    /// Sets the wall clock forward or back; the monotonic one does not notice.
    pub(crate) fn jump(&self, seconds: i64) {
        self.times.lock().unwrap().1 += seconds * 1_000;
    }

    /// The pauses that were made, in seconds.
    pub(crate) fn pauses(&self) -> Vec<u64> {
        self.pauses.lock().unwrap().clone()
    }
}

impl Clock for Stopped {
    fn now_ms(&self) -> u64 {
        let (passed, off) = *self.times.lock().unwrap();
        (BEGIN * 1_000 + passed).saturating_add_signed(off)
    }

    fn monotonic_ms(&self) -> u64 {
        self.times.lock().unwrap().0
    }

    fn sleep(&self, duration: Duration) -> Pending<'static, ()> {
        self.pauses.lock().unwrap().push(duration.as_secs());
        self.advance(duration.as_secs());
        Box::pin(tokio::task::yield_now())
    }
}

pub(crate) struct World {
    home: tempfile::TempDir,
    pub clock: Arc<Stopped>,
    pub secrets: SecretStore,
    pub egress: Egress,
    pub logins: Logins,
    pub login: Login,
}

impl World {
    pub(crate) fn new(server: &Authorization) -> Self {
        let home = tempfile::tempdir().unwrap();
        let secrets = SecretStore::new(home.path(), Arc::default());
        let egress = Egress::new(secrets.clone(), EgressSettings::default());
        let clock = Arc::new(Stopped::default());
        let logins = Logins::new(home.path(), egress.clone(), secrets.clone(), clock.clone());
        let login: Login = serde_json::from_value(server.login()).unwrap();
        check_login(&login).unwrap();
        Self { home, clock, secrets, egress, logins, login }
    }

    /// The same home as another process has it: nothing is shared but the files.
    pub(crate) fn other(&self) -> Logins {
        let secrets = SecretStore::new(self.home.path(), Arc::default());
        let egress = Egress::new(secrets.clone(), EgressSettings::default());
        Logins::new(self.home.path(), egress, secrets, self.clock.clone())
    }

    pub(crate) async fn begin(&self) -> Result<PendingLogin, LoginError> {
        self.logins.begin("work", &self.login).await
    }

    pub(crate) async fn access(&self) -> Result<AccessToken, LoginError> {
        self.logins.access("work", &self.login).await
    }

    pub(crate) fn file(&self) -> PathBuf {
        self.home.path().join("auth.json")
    }

    pub(crate) fn stored(&self) -> Value {
        read(&self.file())
    }

    pub(crate) fn write(&self, document: &Value) {
        use std::os::unix::fs::OpenOptionsExt;
        let mut options = std::fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(self.file());
        serde_json::to_writer(file.unwrap(), document).unwrap();
    }

    /// Keeps a login whose token has expired and can be renewed.
    pub(crate) fn keep_expired(&self, server: &Authorization) {
        let refresh = "koi-refresh-old-0123456789";
        server.accepts(refresh);
        self.write(&json!({ "providers": { "work": {
            "type": "oauth", "access_token": "koi-access-old-0123456789", "refresh_token": refresh,
            "expires_at": self.clock.now() - 1, "extra": { "issuer": server.host() },
        } } }));
    }

    pub(crate) async fn until_stored(&self, token: &str) {
        let stored = async {
            while self.stored()["providers"]["work"]["access_token"] != token {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), stored).await.unwrap();
    }

    /// Sends `text` to another host.
    pub(crate) async fn post(&self, server: &Authorization, text: &str) -> Result<(), EgressError> {
        let url = format!("http://{}/token", server.host());
        let request = Request {
            caller: "test".to_owned(),
            method: "POST".to_owned(),
            rules: vec![format!("POST {url}").parse().unwrap()],
            url,
            headers: Vec::new(),
            body: text.as_bytes().to_vec(),
            credentials: Vec::new(),
            limits: EgressLimits::standard(),
        };
        self.egress.send(request).await.map(|_| ())
    }
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The token that an access carries, as it would be seen by the server: it is redacted to find it out.
pub(crate) fn carried(access: &AccessToken) -> String {
    use openkoi_test_support::authorization as issued;
    let all = (1..20).flat_map(|n| [issued::access_token(n), issued::session_token(n)]);
    let all = all.chain(["koi-only-0123456789".to_owned()]);
    let known = |token: &String| {
        let store = SecretStore::new(Path::new("/nonexistent"), Arc::default());
        store.bind("probe", &access.secret, "nowhere.example");
        store.redact_str(token) == "[redacted]"
    };
    all.into_iter().find(known).unwrap_or_else(|| "another token".to_owned())
}
