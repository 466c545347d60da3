//! `openkoi connect status`: the connected providers with their credentials.

use openkoi_app::{
    access::{KeySlot, LoginSummary, Logins, SecretSource, SecretStore, keyring_label},
    accounts::AccountConnection,
    models::{Connections, CredentialState},
    now_ms,
};
use openkoi_core::document::{Column, ColumnKind, Document, Table, Value};

use crate::{
    error::CommandError,
    output::{Output, duration},
};

/// A provider, an account or a login, as one row.
struct ConnectionRow {
    name: String,
    /// What asks with it.
    kind: &'static str,
    source: &'static str,
    place: String,
    login: Option<LoginSummary>,
    /// The address of a server on this machine, with whether something answers there.
    server: Option<(String, bool)>,
}

/// The connected providers and accounts, and logins that nobody uses.
pub(super) struct ConnectionList(Vec<ConnectionRow>);

impl ConnectionList {
    /// Returns the list from files and variables. Nothing answers at the addresses of those that are `silent`.
    pub(super) fn of(
        connections: &Connections,
        accounts: &[AccountConnection],
        secrets: &SecretStore,
        logins: &Logins,
        silent: &[String],
    ) -> Result<Self, CommandError> {
        let mut left = logins.list()?;
        let mut lines = Vec::new();
        for connection in &connections.ready {
            let (source, place) = match &connection.found {
                CredentialState::At(source) => told(source, secrets),
                CredentialState::NotNeeded | CredentialState::Missing => ("none", String::new()),
            };
            let at = left.iter().position(|login| login.name == connection.name);
            let login = at.filter(|_| source == "login").map(|at| left.remove(at));
            let name = connection.name.clone();
            let answers = !silent.contains(&name);
            let here = connection.is_on_this_machine();
            let server = here.then(|| (connection.base_url.clone(), answers));
            lines.push(ConnectionRow { name, kind: "provider", source, place, login, server });
        }
        for account in accounts {
            let has = |source: &&SecretSource| secrets.has(std::slice::from_ref(*source));
            let Some(found) = account.sources.iter().find(has) else { continue };
            let (source, place) = told(found, secrets);
            let at = left.iter().position(|login| login.name == account.key);
            let login = at.filter(|_| source == "login").map(|at| left.remove(at));
            let (name, kind) = (account.name.clone(), account.kind.word());
            lines.push(ConnectionRow { name, kind, source, place, login, server: None });
        }
        // Logins of another version or of a removed configuration can still be disconnected.
        lines.extend(left.into_iter().map(|login| ConnectionRow {
            name: login.name.clone(),
            kind: "",
            source: "login",
            place: "auth.json, not in use".to_owned(),
            login: Some(login),
            server: None,
        }));
        lines.extend(connections.closed.iter().map(|(name, place)| ConnectionRow {
            name: name.clone(),
            kind: "provider",
            source: "not read",
            place: format!("{place}; openkoi connect {name}"),
            login: None,
            server: None,
        }));
        Ok(Self(lines))
    }
}

/// Returns the kind of a source and its place.
fn told(source: &SecretSource, secrets: &SecretStore) -> (&'static str, String) {
    match source {
        SecretSource::Variable(name) => ("variable", name.clone()),
        SecretSource::Saved(name) => match secrets.slot(name) {
            Some(KeySlot::Keyring) => ("keyring", keyring_label(name)),
            _ => ("file", format!("credentials/{name}.key")),
        },
        SecretSource::Login(_) => ("login", "auth.json".to_owned()),
        source => ("external", source.to_string()),
    }
}

impl ConnectionRow {
    /// Returns what is to be known of the state of the connection.
    fn state(&self) -> String {
        match &self.server {
            Some((url, false)) => format!("nothing answers at {url}"),
            _ => self.life(),
        }
    }

    fn cells(&self) -> [Value; 9] {
        let login = self.login.as_ref();
        let expires_at = login.and_then(|login| login.expires_at);
        [
            (&self.name).into(),
            self.source.into(),
            (&self.place).into(),
            self.state().into(),
            expires_at.map_or(Value::Nothing, |at| Value::Instant(at * 1_000)),
            login.map(|login| login.renewed).into(),
            login.and_then(|login| login.issuer.as_ref()).into(),
            self.server.as_ref().map(|(_, answers)| *answers).into(),
            Some(self.kind).filter(|kind| !kind.is_empty()).into(),
        ]
    }

    fn life(&self) -> String {
        let Some(login) = &self.login else { return String::new() };
        let left = login.expires_at.map(|at| at.saturating_sub(now_ms() / 1_000));
        match (left, login.renewed) {
            (_, true) => "renewed by itself".to_owned(),
            (None, false) => "does not expire".to_owned(),
            (Some(0), false) => format!("expired: openkoi connect {}", self.name),
            (Some(seconds), false) => format!("{} left", duration(seconds * 1_000)),
        }
    }
}

impl Output for ConnectionList {
    fn document(&self) -> Document {
        let columns = [
            Column::new("name", "provider", ColumnKind::Text),
            Column::new("source", "by", ColumnKind::Text),
            Column::new("place", "from", ColumnKind::Text),
            Column::for_people("", ColumnKind::Text),
            Column::for_programs("expires_at", ColumnKind::Instant),
            Column::for_programs("renewed", ColumnKind::Flag),
            Column::for_programs("issuer", ColumnKind::Text),
            Column::for_programs("answers", ColumnKind::Flag),
            Column::for_programs("kind", ColumnKind::Text),
        ];
        let table = Table::new("connections", columns);
        let table = table.or_else("nothing is connected; openkoi connect");
        Document::new("Connections").with(table.rows(self.0.iter().map(ConnectionRow::cells)))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::testing::{InJson, narrow, text};

    fn login(expires_at: Option<u64>, renewed: bool) -> LoginSummary {
        let issuer = Some("login.example".to_owned());
        LoginSummary { name: "koi".to_owned(), expires_at, renewed, issuer }
    }

    fn line(source: &'static str, place: &str, login: Option<LoginSummary>) -> ConnectionRow {
        let (name, place) = ("koi".to_owned(), place.to_owned());
        ConnectionRow { name, kind: "provider", source, place, login, server: None }
    }

    #[test]
    fn a_login_is_told_with_what_is_left_of_its_life() {
        // Half a minute more, so that the test may take its time.
        let in_two_hours = now_ms() / 1_000 + 2 * 3_600 + 30;
        let life = |expires_at, renewed| {
            line("login", "auth.json", Some(login(expires_at, renewed))).life()
        };

        assert_eq!(life(Some(in_two_hours), false), "2 h 00 min left");
        assert_eq!(life(Some(1), false), "expired: openkoi connect koi");
        assert_eq!(life(Some(1), true), "renewed by itself");
        assert_eq!(life(None, false), "does not expire");
        assert_eq!(line("variable", "KOI_KEY", None).life(), "");
    }

    #[test]
    fn connections_stand_below_one_another_and_give_way_where_the_terminal_is_narrow() {
        let shown = ConnectionList(vec![
            line("variable", "KOI_KEY", None),
            line("login", "auth.json, not in \x1b[2Juse", Some(login(None, true))),
        ]);

        assert_eq!(
            text(&shown),
            "provider  by        from\n\
             koi       variable  KOI_KEY\n\
             koi       login     auth.json, not in \\x1b[2Juse  renewed by itself\n"
        );
        assert_eq!(
            narrow(&shown),
            "provider  by        from\n\
             koi       variable  KOI_KEY\n\
             koi       login     auth.js…  renewed b…\n"
        );
    }

    #[test]
    fn connections_for_programs_have_absolute_times_and_the_issuer() {
        let shown = ConnectionList(vec![line(
            "login",
            "auth.json",
            Some(login(Some(1_772_366_400), false)),
        )]);

        assert_eq!(
            shown.json(),
            json!({ "connections": [{
                "name": "koi",
                "source": "login",
                "place": "auth.json",
                "expires_at": "2026-03-01T12:00:00Z",
                "renewed": false,
                "issuer": "login.example",
                "answers": null,
                "kind": "provider",
            }] })
        );
    }

    #[test]
    fn without_a_connection_the_way_to_one_is_told() {
        assert_eq!(text(&ConnectionList(Vec::new())), "nothing is connected; openkoi connect\n");
        assert_eq!(ConnectionList(Vec::new()).json(), json!({ "connections": [] }));
    }
}
