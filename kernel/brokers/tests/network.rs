//! Hosts by name: a program in a network of its own reaches what a policy admits, and nothing else.
#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

#[path = "support/certificates.rs"]
mod certificates;
#[path = "support/company.rs"]
mod company;

use openkoi_brokers::egress::{Proxies, Proxy, bundle};
use openkoi_brokers::processes::{
    Admission, Admitted, Command, Happening, Network, NetworkPolicy, ProcessSettings, Processes,
    ProgramLimits, SandboxMode,
};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Asks the proxy of its environment for each place of its arguments, and prints what comes back.
const ASKS: &str = r"
import os, socket, sys, urllib.parse
proxy = urllib.parse.urlparse(os.environ['HTTPS_PROXY'])
for place in sys.argv[1:]:
    with socket.create_connection((proxy.hostname, proxy.port), 10) as way:
        way.sendall(f'CONNECT {place} HTTP/1.1\r\nHost: {place}\r\n\r\n'.encode() + b'early ')
        head = b''
        while not head.endswith(b'\r\n\r\n'):
            head += way.recv(1)
        if b' 200 ' in head:
            way.sendall(b'and late')
            way.shutdown(socket.SHUT_WR)
        body = b''
        while piece := way.recv(4096):
            body += piece
        print(place.split(':')[0], head.split()[1].decode(), body.decode().strip())
";

/// Admits `friend.example` anywhere and `public.example` on the internet, whatever they are called in truth.
struct Policy {
    asked: Mutex<Vec<String>>,
    friend: String,
}

impl NetworkPolicy for Policy {
    fn admit<'a>(&'a self, host: &'a str, port: u16) -> Admitted<'a> {
        self.asked.lock().unwrap().push(format!("{host}:{port}"));
        let admitted = match host {
            host if host == self.friend => Ok(Admission::Private),
            "127.0.0.2" => Ok(Admission::Public),
            host => Err(format!("{host} is no friend")),
        };
        Box::pin(std::future::ready(admitted))
    }
}

struct World {
    _home: tempfile::TempDir,
    work: PathBuf,
    processes: Processes,
}

fn world() -> World {
    world_with(|_, _| {})
}

fn world_with(change: impl FnOnce(&Path, &mut ProcessSettings)) -> World {
    let home = tempfile::tempdir().unwrap();
    let base = home.path().canonicalize().unwrap();
    let work = base.join("work");
    std::fs::create_dir(&work).unwrap();
    let variables = [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/nonexistent")];
    let mut settings = ProcessSettings {
        environment: Arc::new(variables.map(|(name, value)| (name.into(), value.into())).into()),
        temporary: base.join("temporary"),
        spool: base.join("spool"),
        read: Vec::new(),
        secret: Vec::new(),
        caches: None,
        certificates: None,
        limits: ProgramLimits::default(),
        sandbox: SandboxMode::Required,
    };
    change(&base, &mut settings);
    World { _home: home, work, processes: Processes::new(settings) }
}

impl World {
    async fn python(&self, script: &str, places: &[String], network: Network) -> (String, String) {
        let command = Command {
            arguments: ["-c".to_owned(), script.to_owned()].iter().chain(places).cloned().collect(),
            deadline: Some(Duration::from_secs(30)),
            network,
            ..Command::new("python3", &self.work)
        };
        let mut child = self.processes.spawn(command).await.unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        while let Some(happening) = child.next().await {
            match happening {
                Happening::Stdout(bytes) => out.extend(bytes),
                Happening::Stderr(bytes) => err.extend(bytes),
                Happening::Exited(_) => {}
            }
        }
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(out), text(err))
    }
}

/// Listens on loopback of this machine and says back what it is told, once.
fn echo() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        stream.write_all(format!("you said: {said}").as_bytes()).unwrap();
    });
    port
}

fn policy() -> Arc<Policy> {
    Arc::new(Policy { asked: Mutex::default(), friend: "localhost".to_owned() })
}

#[tokio::test]
async fn a_program_reaches_what_is_admitted_and_is_told_why_the_rest_is_not() {
    let (world, policy, port) = (world(), policy(), echo());
    let places = [
        format!("LocalHost.:{port}"),
        "enemy.example:443".to_owned(),
        "127.0.0.2:443".to_owned(),
        "enemy.example:443".to_owned(),
    ];

    let (out, err) = world.python(ASKS, &places, Network::Named(policy.clone())).await;

    let expected = [
        "LocalHost. 200 you said: early and late",
        "enemy.example 403 enemy.example is no friend",
        "127.0.0.2 502 127.0.0.2 leads to an address of the local network",
        "enemy.example 403 enemy.example is no friend",
    ];
    assert_eq!(out.lines().collect::<Vec<_>>(), expected, "{err}");
    let notes = "[openkoi: enemy.example is no friend]\n[openkoi: 127.0.0.2 leads to an address of the local network]\n";
    assert_eq!(err, notes, "each once");
    let asked = policy.asked.lock().unwrap().clone();
    let asked: Vec<&str> = asked.iter().map(String::as_str).collect();
    let friend = format!("localhost:{port}");
    assert_eq!(asked, [&friend, "enemy.example:443", "127.0.0.2:443", "enemy.example:443"]);
}

#[tokio::test]
async fn the_proxy_is_the_only_way_out_and_ends_with_the_program() {
    let (world, policy) = (world(), policy());
    let outside = TcpListener::bind("127.0.0.1:0").unwrap();
    outside.set_nonblocking(true).unwrap();
    let port = outside.local_addr().unwrap().port();
    let script = "import os, socket, sys\n\
         print(len(os.listdir('/proc/self/fd')))\n\
         try:\n    socket.create_connection(('127.0.0.1', int(sys.argv[1])), 5)\n\
         except OSError as error:\n    print(type(error).__name__)\n";

    let (without, _) = world.python(script, &[port.to_string()], Network::Closed).await;
    let network = Network::Named(policy.clone());
    let (out, err) = world.python(script, &[port.to_string()], network).await;

    assert!(out.ends_with("ConnectionRefusedError\n"), "{out} {err}");
    assert_eq!(out, without, "no descriptor of ours is in the program");
    assert!(outside.accept().is_err(), "the program is in a network of its own");
    // Whoever serves a proxy holds the policy.
    for _ in 0..100 {
        if Arc::strong_count(&policy) == 1 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("the proxy outlived the program");
}

#[tokio::test]
async fn many_connections_are_carried_at_once() {
    let (world, policy) = (world(), policy());
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        // None is answered before all are there.
        let streams: Vec<_> = (0..40).map(|_| listener.accept().unwrap().0).collect();
        for mut stream in streams {
            stream.write_all(b"welcome").unwrap();
        }
    });
    let script = "import os, socket, sys\n\
         ways = [socket.create_connection(('127.0.0.1', 13128), 10) for _ in range(40)]\n\
         for way in ways:\n    way.sendall(b'CONNECT localhost:%d HTTP/1.1\\r\\n\\r\\n' % int(sys.argv[1]))\n\
         print(sum(b'welcome' in b''.join(iter(lambda: way.recv(4096), b'')) for way in ways))\n";

    let network = Network::Named(policy);
    let (out, err) = world.python(script, &[port.to_string()], network).await;

    assert_eq!(out, "40\n", "{err}");
}

#[tokio::test]
async fn a_name_does_not_lead_a_program_into_the_local_network() {
    let (world, port) = (world(), echo());
    // Each is admitted as a host of the internet.
    let places = ["127.0.0.1", "2130706433", "[::ffff:127.0.0.1]", "127.1", "localhost"];
    let places = places.map(|host| format!("{host}:{port}"));

    let (out, err) = world.python(ASKS, &places, Network::Named(Arc::new(Anything))).await;

    assert_eq!(out.matches(" 502 ").count(), places.len(), "{out} {err}");
    assert!(!out.contains("you said"), "{out}");
}

/// Admits every host as one of the internet.
struct Anything;

impl NetworkPolicy for Anything {
    fn admit<'a>(&'a self, _: &'a str, _: u16) -> Admitted<'a> {
        Box::pin(std::future::ready(Ok(Admission::Public)))
    }
}

/// Asks the proxy of its environment by SOCKS and in the clear for each place, and prints what comes back.
const ASKS_OTHERWISE: &str = r"
import os, socket, struct, sys, urllib.parse
proxy = urllib.parse.urlparse(os.environ['ALL_PROXY'])
def whole(way):
    body = b''
    while piece := way.recv(4096):
        body += piece
    return body
for place in sys.argv[1:]:
    kind, place = place.split('=')
    host, port = place.rsplit(':', 1)
    with socket.create_connection((proxy.hostname, proxy.port), 10) as way:
        if kind == 'socks':
            name = host.encode()
            way.sendall(b'\x05\x01\x00' + b'\x05\x01\x00\x03' + bytes([len(name)]) + name + struct.pack('>H', int(port)))
            assert way.recv(2) == b'\x05\x00'
            reply = way.recv(10)
            if reply[1] == 0:
                way.sendall(b'by socks')
                way.shutdown(socket.SHUT_WR)
            print(kind, host, reply[1], whole(way).decode())
        else:
            way.sendall(f'GET http://{place}/a?b HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: Basic eA==\r\n\r\n'.encode())
            way.shutdown(socket.SHUT_WR)
            print(kind, host, whole(way).decode().replace('\r\n', '|').strip())
";

#[tokio::test]
async fn by_socks_and_in_the_clear_the_same_rules_hold() {
    let (world, policy, by_socks, in_clear) = (world(), policy(), echo(), echo());
    let places = [
        format!("socks=LocalHost:{by_socks}"),
        format!("clear=localhost:{in_clear}"),
        "socks=enemy.example:443".to_owned(),
        "clear=enemy.example:80".to_owned(),
        "socks=127.0.0.2:443".to_owned(),
        "clear=127.0.0.2:80".to_owned(),
    ];

    let (out, err) = world.python(ASKS_OTHERWISE, &places, Network::Named(policy.clone())).await;

    let lines: Vec<&str> = out.lines().collect();
    let clear = format!(
        "clear localhost you said: GET /a?b HTTP/1.1|Host: localhost:{in_clear}|Connection: close||"
    );
    assert_eq!(lines[..2], ["socks LocalHost 0 you said: by socks", &clear], "{err}");
    assert_eq!((lines[2], lines[4]), ("socks enemy.example 2 ", "socks 127.0.0.2 4 "), "{err}");
    assert!(lines[3].contains("403 Forbidden") && lines[3].contains("is no friend"), "{out}");
    assert!(lines[5].contains("502 Bad Gateway"), "{out}");
    let notes = "[openkoi: enemy.example is no friend]\n[openkoi: 127.0.0.2 leads to an address of the local network]\n";
    assert_eq!(err, notes, "each once");
    let asked = policy.asked.lock().unwrap().clone();
    assert_eq!(asked.len(), 6, "each connection is decided: {asked:?}");
}

#[tokio::test]
async fn programs_reach_hosts_through_the_proxy_of_the_user_who_has_one() {
    let (world, port) = (world(), echo());
    let company = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = company.local_addr().unwrap();
    let asked = std::thread::spawn(move || {
        let (mut client, _) = company.accept().unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        let mut host = std::net::TcpStream::connect(("127.0.0.1", port)).unwrap();
        client.write_all(b"HTTP/1.1 200 Well\r\nX: y\r\n\r\n").unwrap();
        let (mut from, mut to) = (client.try_clone().unwrap(), host.try_clone().unwrap());
        let there = std::thread::spawn(move || {
            std::io::copy(&mut from, &mut to).unwrap();
            to.shutdown(std::net::Shutdown::Write).unwrap();
        });
        std::io::copy(&mut host, &mut client).unwrap();
        there.join().unwrap();
        String::from_utf8(head).unwrap()
    });
    let proxy = Arc::new(Proxy::parse(&format!("http://ada:k0i-w0rd@{address}")).unwrap());
    let proxies = Proxies { secure: Some(proxy), ..Proxies::default() };
    let policy = Arc::new(OfCompany { proxies });
    let script =
        format!("{ASKS}\nprint([value for value in os.environ.values() if 'k0i' in value])");

    let (out, err) = world
        .python(
            &script,
            &["docs.koi.example:443".to_owned(), "169.254.169.254:80".to_owned()],
            Network::Named(policy),
        )
        .await;

    let expected = [
        "docs.koi.example 200 you said: early and late",
        "169.254.169.254 502 169.254.169.254 leads to an address of the local network",
        "[]",
    ];
    assert_eq!(out.lines().collect::<Vec<_>>(), expected, "{err}");
    let head = asked.join().unwrap();
    assert!(
        head.starts_with("CONNECT docs.koi.example:443 HTTP/1.1\r\nHost: docs.koi.example:443\r\n")
    );
    assert!(head.contains("\r\nProxy-Authorization: Basic YWRhOmswaS13MHJk\r\n"), "{head}");
}

/// Admits everything, by way of a proxy.
struct OfCompany {
    proxies: Proxies,
}

impl NetworkPolicy for OfCompany {
    fn admit<'a>(&'a self, _: &'a str, _: u16) -> Admitted<'a> {
        Box::pin(std::future::ready(Ok(Admission::Public)))
    }

    fn proxies(&self) -> Option<&Proxies> {
        Some(&self.proxies)
    }
}

/// Fetches a page with each program that is told whom to trust in its own way.
const FETCHES: &str = r"
import os, ssl, subprocess, sys, urllib.request
url = sys.argv[1]
context = ssl.create_default_context()
# Newer versions want more of a certificate than the small ones of tests have.
context.verify_flags &= ~getattr(ssl, 'VERIFY_X509_STRICT', 0)
try:
    print('python', urllib.request.urlopen(url, context=context).read().decode())
except OSError as error:
    print('python', 'refused' if 'CERTIFICATE' in str(error) else error)
done = subprocess.run(['curl', '-s', url], capture_output=True, text=True)
print('curl', done.stdout if done.returncode == 0 else 'refused' if done.returncode == 60 else done)
names = 'NODE_EXTRA_CA_CERTS REQUESTS_CA_BUNDLE GIT_SSL_CAINFO CARGO_HTTP_CAINFO PIP_CERT'.split()
files = {os.environ.get(name) for name in names}
print('others', files == {os.environ.get('SSL_CERT_FILE')} and None not in files)
try:
    open(os.environ['SSL_CERT_FILE'], 'a')
except (OSError, KeyError) as error:
    print(type(error).__name__)
";

#[tokio::test]
async fn programs_trust_the_authority_that_the_user_named_and_no_other() {
    let authority = certificates::authority();
    let own = certificates::host(&authority, "api.example.com");
    let (host, _) = company::secure_host(&own, "hello").await;
    let (proxy, _) = company::proxy(host, None).await;
    let secure = Proxy::parse(&format!("http://{proxy}")).unwrap();
    let proxies = Proxies { secure: Some(Arc::new(secure)), ..Proxies::default() };
    let policy = Arc::new(OfCompany { proxies });
    let url = ["https://api.example.com/".to_owned()];
    // A place that is closed to programs, as OpenKoi's own is.
    let trusting = world_with(|base, settings| {
        let closed = base.join("closed");
        std::fs::create_dir(&closed).unwrap();
        let file = closed.join("certificates.pem");
        std::fs::write(&file, bundle(&[authority.certificate])).unwrap();
        settings.secret.push(closed);
        settings.certificates = Some(file);
    });

    for (world, expected) in [
        (&trusting, ["python hello", "curl hello", "others True", "PermissionError"]),
        (&world(), ["python refused", "curl refused", "others False", "KeyError"]),
    ] {
        let (out, err) = world.python(FETCHES, &url, Network::Named(policy.clone())).await;

        assert_eq!(out.lines().collect::<Vec<_>>(), expected, "{err}");
    }
}

#[test]
fn the_bundle_of_certificates_has_those_of_the_system_and_further_ones() {
    let (one, two) = (certificates::authority(), certificates::authority());

    let text = bundle(&[one.certificate.clone(), two.certificate.clone()]);

    let found = openkoi_brokers::egress::certificates(text.as_bytes()).unwrap();
    let system = openkoi_brokers::egress::certificates(bundle(&[]).as_bytes()).unwrap_or_default();
    assert_eq!(found, [system, vec![one.certificate, two.certificate]].concat());
}
