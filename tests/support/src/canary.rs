//! A server that nobody may reach: it counts who tried.

use std::{
    io::Read,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

/// A listener on loopback that records what arrives and answers nothing.
#[derive(Debug)]
pub struct Canary {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<String>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Canary {
    /// Starts listening.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port on loopback is free");
        let address = listener.local_addr().expect("a bound listener has an address");
        let (seen, stop) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let shared = (Arc::clone(&seen), Arc::clone(&stop));
        let thread = thread::spawn(move || listen(&listener, &shared.0, &shared.1));
        Self { address, seen, stop, thread: Some(thread) }
    }

    /// Returns the port.
    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Returns what each connection sent first.
    pub fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn listen(listener: &TcpListener, seen: &Mutex<Vec<String>>, stop: &AtomicBool) {
    for stream in listener.incoming() {
        if stop.load(Ordering::SeqCst) {
            return;
        }
        let said = stream.map(first_bytes).unwrap_or_else(|error| error.to_string());
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(said);
    }
}

fn first_bytes(mut stream: TcpStream) -> String {
    let mut bytes = vec![0; 4096];
    let read = stream
        .set_read_timeout(Some(Duration::from_millis(200)))
        .and_then(|()| stream.read(&mut bytes))
        .unwrap_or(0);
    String::from_utf8_lossy(&bytes[..read]).into_owned()
}

impl Drop for Canary {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        // Wakes the listener, so that it sees the flag.
        TcpStream::connect(self.address).ok();
        if let Some(thread) = self.thread.take() {
            thread.join().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_connection_is_seen_with_what_it_sent() {
        let canary = Canary::start();
        assert_eq!(canary.seen(), Vec::<String>::new());

        let mut stream = TcpStream::connect(("127.0.0.1", canary.port())).unwrap();
        stream.write_all(b"secret").unwrap();

        crate::until("the canary has seen it", Duration::from_secs(5), || {
            canary.seen() == ["secret"]
        });
    }
}
