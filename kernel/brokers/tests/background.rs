//! Programs in the background, as the broker starts them: over a layer, in a network that the programs of a task share.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "what a test needs is there, or the test fails"
)]

#[path = "support/layers.rs"]
mod layers;

use layers::{World, run, world};
use openkoi_brokers::layer::Layer;
use openkoi_brokers::processes::{Child, Command, Happening, SharedNetwork};
use std::fs;
use std::sync::Arc;
use std::time::Duration;

/// Answers each request with what is in `page`, read anew.
const SERVER: &str = r#"exec python3 -u -c '
import http.server
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(open("page", "rb").read())
    def log_message(self, *words): pass
server = http.server.HTTPServer(("127.0.0.1", 8123), Page)
print("ready")
server.serve_forever()'"#;

const LOOK: &str = "python3 -c 'import urllib.request as r; print(r.urlopen(\"http://127.0.0.1:8123/\").read().decode())'";

fn background(world: &World, layer: &Layer, network: &Arc<SharedNetwork>, script: &str) -> Command {
    Command {
        background: true,
        share: Some(network.place()),
        ..foreground(world, Some(layer), network, script)
    }
}

fn foreground(
    world: &World,
    layer: Option<&Layer>,
    network: &Arc<SharedNetwork>,
    script: &str,
) -> Command {
    Command {
        arguments: vec!["-c".to_owned(), script.to_owned()],
        layer: layer.map(Layer::mount),
        share: Some(network.place()),
        one_stream: true,
        ..Command::new("sh", world.work(""))
    }
}

async fn until_said(child: &mut Child, wanted: &str) {
    let mut said = String::new();
    let waited = async {
        while !said.contains(wanted) {
            match child.next().await.expect("it goes on") {
                Happening::Stdout(bytes) | Happening::Stderr(bytes) => {
                    said.push_str(&String::from_utf8_lossy(&bytes));
                }
                Happening::Exited(exit) => panic!("it ended: {exit:?} {said}"),
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited).await.expect("it says so");
}

#[tokio::test]
async fn a_server_in_the_background_is_reached_by_later_programs_and_by_no_others() {
    let world = world();
    world.write("page", "first");
    let (network, layer) = (Arc::new(SharedNetwork::default()), world.layer());
    let mut server =
        world.processes.spawn(background(&world, &layer, &network, SERVER)).await.unwrap();
    until_said(&mut server, "ready").await;

    let (reached, _) = run(&world.processes, foreground(&world, None, &network, LOOK)).await;
    let over = world.layer();
    let (layered, _) = run(&world.processes, foreground(&world, Some(&over), &network, LOOK)).await;
    let elsewhere = Arc::new(SharedNetwork::default());
    let (other, _) = run(&world.processes, foreground(&world, None, &elsewhere, LOOK)).await;

    assert_eq!((reached.trim(), layered.trim()), ("first", "first"));
    assert!(other.contains("refused"), "{other}");
    assert!(std::net::TcpStream::connect("127.0.0.1:8123").is_err(), "it is not the host's");
}

#[tokio::test]
async fn a_program_in_the_background_sees_what_changes_in_the_workspace() {
    let world = world();
    world.write("page", "first");
    let (network, layer) = (Arc::new(SharedNetwork::default()), world.layer());
    let mut server =
        world.processes.spawn(background(&world, &layer, &network, SERVER)).await.unwrap();
    until_said(&mut server, "ready").await;
    let look = || run(&world.processes, foreground(&world, None, &network, LOOK));
    assert_eq!(look().await.0.trim(), "first");

    fs::write(world.work("page.new"), "second").unwrap();
    fs::rename(world.work("page.new"), world.work("page")).unwrap();
    server.view().unwrap().refresh().unwrap();

    assert_eq!(look().await.0.trim(), "second");
}

#[tokio::test]
async fn what_a_program_in_the_background_writes_is_in_its_layer_until_it_is_committed() {
    let world = world();
    let (network, layer) = (Arc::new(SharedNetwork::default()), world.layer());
    let script = "echo made > new; echo out; echo err >&2; exec sleep 1000";
    let mut child =
        world.processes.spawn(background(&world, &layer, &network, script)).await.unwrap();
    until_said(&mut child, "err").await;
    let before = world.tree();
    let saved = child.saved().unwrap().to_owned();

    assert!(!before.contains_key("new"));
    assert_eq!(fs::read_to_string(&saved).unwrap(), "out\nerr\n");
    child.killer().kill();
    while child.next().await.is_some() {}
    let committed = world.commit(layer);

    assert_eq!(committed.effects.len(), 1, "{committed:?}");
    assert_eq!(fs::read_to_string(world.work("new")).unwrap(), "made\n");
    assert!(saved.exists(), "it stays readable");
}
