//! A daemon of a test's home, and a client of its API that sees what comes over the wire.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    time::Duration,
};

use rustix::process::Signal;
use serde_json::Value;

use crate::{Home, Run, Running, until};

/// How long anything may take.
const LONG: Duration = Duration::from_secs(60);

/// A daemon that runs in the foreground of a test. Dropping it kills it.
#[derive(Debug)]
pub struct Daemon {
    running: Option<Running>,
    port: u16,
}

/// Returns a port that is free just now.
///
/// # Panics
///
/// When the system has none.
#[must_use]
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

impl Home {
    /// Gives the daemon of this home a port of its own.
    #[must_use]
    pub fn with_port(self) -> (Self, u16) {
        let port = free_port();
        (self.config(&format!("[api]\nport = {port}")), port)
    }
}

impl Daemon {
    /// Starts the daemon of a home with this port, and waits until it answers.
    ///
    /// # Panics
    ///
    /// When it does not within a minute.
    #[must_use]
    pub fn start(home: &Home, port: u16) -> Self {
        let running = home.openkoi(["daemon", "run"]).timeout(LONG * 10).start();
        let daemon = Self { running: Some(running), port };
        until("the daemon listens", LONG, || TcpStream::connect(("127.0.0.1", port)).is_ok());
        // It listens before it has said where, and answers after that.
        daemon.get("/api/v1/health");
        daemon
    }

    /// Returns its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.running.iter().for_each(|running| running.signal(signal));
    }

    /// Kills it, as a crash does: its workers go on.
    pub fn kill(mut self) {
        self.signal(Signal::KILL);
        self.running.take().map(Running::wait);
    }

    /// Stops it, and returns how it ended.
    ///
    /// # Panics
    ///
    /// When it does not end.
    pub fn stop(mut self) -> Run {
        self.signal(Signal::TERM);
        self.running.take().map(Running::wait).expect("it runs")
    }

    /// Calls it.
    ///
    /// # Panics
    ///
    /// When it does not answer.
    #[must_use]
    pub fn call(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        call(self.port, method, path, headers, body)
    }

    /// Asks for a document, which has to be there.
    ///
    /// # Panics
    ///
    /// When there is none.
    pub fn get(&self, path: &str) -> Value {
        self.call("GET", path, &[], "").expect(200)
    }

    /// Sends a document, and returns what is answered with this status.
    ///
    /// # Panics
    ///
    /// When the status is another.
    pub fn post(&self, path: &str, body: &Value, status: u16) -> Value {
        let json = [("Content-Type", "application/json")];
        self.call("POST", path, &json, &body.to_string()).expect(status)
    }

    /// Submits a task, and returns its id.
    ///
    /// # Panics
    ///
    /// When it is not taken.
    pub fn submit(&self, task: &Value) -> String {
        let taken = self.post("/api/v1/tasks", task, 201);
        taken["task_id"].as_str().expect("it has an id").to_owned()
    }

    /// Waits until a task has one of these statuses, and returns it.
    ///
    /// # Panics
    ///
    /// When it has not within a minute.
    pub fn wait_for(&self, task: &str, statuses: &[&str]) -> Value {
        let path = format!("/api/v1/tasks/{task}");
        let mut shown = Value::Null;
        until(&format!("the task is {statuses:?}"), LONG, || {
            shown = self.get(&path);
            shown["status"].as_str().is_some_and(|status| statuses.contains(&status))
        });
        shown
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.signal(Signal::KILL);
        }
    }
}

/// An answer, as it came over the wire.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: String,
}

impl Answer {
    /// Returns a header.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// Returns the body as JSON, if the status is this one.
    ///
    /// # Panics
    ///
    /// When it is another, or a body is no JSON.
    #[track_caller]
    pub fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self:?}");
        match self.body.as_str() {
            "" => Value::Null,
            text => serde_json::from_str(text).expect("the body is JSON"),
        }
    }
}

/// Calls whoever listens at a port, on a connection of its own. The Host header names this machine unless another is given.
///
/// # Panics
///
/// When nobody answers.
#[must_use]
pub fn call(port: u16, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let mut stream = open(port, method, path, headers, body);
    let mut reader = BufReader::new(&mut stream);
    let (status, headers) = head(&mut reader);
    let mut body = String::new();
    let length = headers.iter().find(|(name, _)| name == "content-length");
    match length.and_then(|(_, value)| value.parse::<u64>().ok()) {
        Some(length) => reader.take(length).read_to_string(&mut body),
        None => reader.read_to_string(&mut body),
    }
    .expect("the body can be read");
    Answer { status, headers, body }
}

/// Sends a request, and returns the connection.
///
/// # Panics
///
/// When nobody listens.
#[must_use]
pub fn open(
    port: u16,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> TcpStream {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("somebody listens");
    stream.set_read_timeout(Some(LONG)).expect("a time can be set");
    let mut text = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        text.push_str(&format!("Host: localhost:{port}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    let says = |wanted: &str| headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(wanted));
    if !body.is_empty() && !says("content-length") && !says("transfer-encoding") {
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body);
    // Who refuses a request early need not read it.
    stream.write_all(text.as_bytes()).ok();
    stream
}

/// Reads the head of an answer.
///
/// # Panics
///
/// When there is none.
pub fn head(reader: &mut impl BufRead) -> (u16, Vec<(String, String)>) {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        let read = reader.read_line(&mut line).expect("an answer comes");
        if read == 0 || line == "\r\n" {
            break;
        }
        lines.push(line.trim_end().to_owned());
    }
    let status = lines.first().and_then(|line| line.split(' ').nth(1)?.parse().ok());
    let headers = lines.iter().skip(1).filter_map(|line| line.split_once(": "));
    let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
    (status.unwrap_or_else(|| panic!("no status in {lines:?}")), headers.collect())
}
