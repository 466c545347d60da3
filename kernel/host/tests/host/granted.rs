//! Components that did not come with the program: what they have is granted, and they come and go while calls run.

use std::{fs, sync::Arc};

use openkoi_brokers::egress::{EgressError, Request};
use openkoi_core::{
    failure::Failure, grant::ComponentGrant, hash, port::Pending, toolbox::Toolbox,
};
use openkoi_host::{
    HttpResponse, ResponseBody, Transport,
    catalog::{Catalog, CatalogError, Embedded, Form, Installed, current::CurrentCatalog},
    manifest::Kind,
};
use openkoi_testing::World;
use tokio::sync::Notify;

use crate::{
    guests::{argument, codec, guests, is_unharmed, repository, text_of, tool_world},
    raw::{TRAPPING, tool, with_manifest},
};

/// A server that answers when the test says so.
#[derive(Default)]
struct HeldBack {
    asked: Notify,
    let_go: Notify,
}

struct Once(Option<Vec<u8>>);

impl ResponseBody for Once {
    fn chunk(&mut self) -> Pending<'_, Result<Option<Vec<u8>>, EgressError>> {
        Box::pin(std::future::ready(Ok(self.0.take())))
    }
}

impl Transport for HeldBack {
    fn send(&self, request: Request) -> Pending<'_, Result<HttpResponse, EgressError>> {
        Box::pin(async move {
            self.asked.notify_one();
            self.let_go.notified().await;
            let body = Box::new(Once(Some(b"late".to_vec())));
            Ok(HttpResponse { status: 200, headers: Vec::new(), url: request.url, body })
        })
    }
}

#[tokio::test]
async fn installed_bytes_are_run_as_they_were_installed_or_not_at_all() {
    let directory = tempfile::tempdir().expect("there is room");
    let place = directory.path().join("guests.wasm");
    let mut wasm = guests();
    let manifest = repository().join("tests/guests/component.toml");
    let installed = Installed {
        digest: hash::of_bytes(&wasm),
        wasm_len: wasm.len(),
        manifest: fs::read_to_string(manifest).expect("it is there"),
        place: place.clone(),
        granted: ComponentGrant::default(),
    };
    let world = || {
        let catalog = Catalog::default().with_installed(installed.clone());
        World::of(catalog.expect("nothing has its name"))
    };
    fs::write(&place, &wasm).expect("it can be written");
    is_unharmed(&mut world()).await;

    // A section more, and still a component.
    wasm.extend([0, 2, 1, b'x']);
    fs::write(&place, &wasm).expect("it can be written");

    let refused = text_of(&mut world(), "count_calls", "").await.expect_err("it is another one");
    assert!(refused.to_string().contains("is not what was installed"), "{refused}");
}

fn names(toolbox: &dyn Toolbox) -> Vec<String> {
    toolbox.tools().into_iter().map(|tool| tool.name).collect()
}

#[tokio::test]
async fn a_call_ends_on_the_catalog_it_began_with_and_the_next_sees_the_new_one() {
    let mut world = tool_world();
    let server = Arc::new(HeldBack::default());
    world.transport(server.clone());
    let (toolbox, current) = (world.toolbox(), world.current());
    let added = tool("added", "t", TRAPPING);
    let page = argument("https://api.example.com/v1/a");

    let call = world.call_tool_of(&toolbox, "fetch", &page);
    let change = async {
        server.asked.notified().await;
        current.put(&added, ComponentGrant::default()).expect("it is accepted");
        current.remove("guests").expect("it is there");
        assert_eq!(names(&toolbox), ["t"]);
        server.let_go.notify_one();
    };
    let (answer, ()) = tokio::join!(call, change);

    assert_eq!(answer.expect("the call goes on").text, "late");
    let gone = world.call_tool_of(&toolbox, "fetch", &page).await.expect_err("it was removed");
    assert_eq!(gone, Failure::NotFound("the tool `fetch`".to_owned()));
    let trap = world.call_tool_of(&toolbox, "t", "{}").await.expect_err("it traps");
    assert!(trap.to_string().contains("`added`"), "{trap}");
}

#[tokio::test]
async fn another_version_is_called_from_the_next_call_on_with_its_own_grant() {
    let mut world = tool_world();
    let (toolbox, current) = (world.toolbox(), world.current());
    let wasm = guests();
    let asked = current.offer(&wasm, &ComponentGrant::default()).expect("it is admitted").asked;
    let read = |current: &CurrentCatalog| {
        let entry = current.snapshot().find("guests").expect("it is there");
        entry.grant(Some("fetch")).expect("the manifest is read").http.len()
    };
    assert_eq!(read(&current), asked.tools["fetch"].http.len());

    current.put(&wasm, ComponentGrant::default()).expect("it takes the place of the first");

    assert_eq!(read(&current), 0);
    let page = argument("https://api.example.com/v1/a");
    let failure = world.call_tool_of(&toolbox, "fetch", &page).await.expect_err("no grant");
    let Failure::Denied { what, .. } = failure else { panic!("{failure}") };
    assert!(what.ends_with("nobody has granted that"), "{what}");
    current.grant("guests", asked).expect("it is there");
    assert!(read(&current) > 0);
}

#[test]
fn what_nobody_granted_has_no_power_and_no_credential() {
    let (catalog, name) = Catalog::default().with_component(&guests()).expect("it is accepted");
    let entry = catalog.find(&name).expect("it is there");
    let tools = &entry.asked().expect("it is read").tools;
    assert!(tools.len() > 10);
    for tool in tools {
        let mut grant = entry.grant(Some(&tool.name)).expect("it is read");
        grant.asked = None;
        assert_eq!(grant, Default::default(), "{}", tool.name);
    }

    let (catalog, name) = Catalog::default().with_component(&codec()).expect("it is accepted");
    let error = catalog.find(&name).expect("it is there").manifest().expect_err("no address");
    assert!(matches!(error, CatalogError::NotGranted { .. }), "{error}");
    assert!(error.to_string().contains(&format!("`openkoi plugin inspect {name}`")), "{error}");
}

fn built_in() -> Embedded {
    Embedded {
        name: "brook",
        kind: Kind::Provider,
        digest: "0",
        manifest: r#"{
            "component": { "name": "brook", "version": "0.1.0", "kind": "provider", "publisher": "p", "description": "d" },
            "credential": [{ "name": "key", "environment": ["BROOK_KEY"], "inject": "bearer" }],
            "provider": { "base-url": "https://brook.example/v1" }
        }"#,
        form: Form::Native,
        code: b"",
        unpack: None,
        wasm_len: 0,
        code_len: 0,
    }
}

#[test]
fn what_came_with_the_program_has_what_it_asks_for_and_keeps_its_place() {
    let current = CurrentCatalog::new(Catalog::new([built_in()]));
    let entry = current.snapshot().find("brook").expect("it is there");
    let manifest = entry.manifest().expect("all of it is in force");
    assert_eq!(manifest.credentials[0].environment, ["BROOK_KEY"]);

    let other = tool("brook", "t", TRAPPING);
    let put = current.put(&other, ComponentGrant::default()).expect_err("the name is taken");
    let removed = current.remove("brook").expect_err("it stays");

    assert_eq!(put, CatalogError::BuiltIn { name: "brook".to_owned() });
    assert_eq!(removed, put);
}

#[test]
fn a_variable_that_another_component_has_is_pointed_out() {
    let current = CurrentCatalog::new(Catalog::new([built_in()]));
    let manifest = r#"
        [component]
        name = "heron"
        version = "0.1.0"
        kind = "provider"
        publisher = "p"
        description = "d"
        [[credential]]
        name = "key"
        environment = ["HERON_KEY", "BROOK_KEY"]
        inject = "bearer"
        [provider]
        base-url = "https://heron.example"
    "#;
    let text =
        "(component (instance $none) (export \"openkoi:provider/codec@0.1.0\" (instance $none)))";
    let wasm = with_manifest(wat::parse_str(text).expect("it is a component"), manifest);

    let offer = current.offer(&wasm, &ComponentGrant::default()).expect("it is admitted");

    let shared: Vec<_> = offer.shared.iter().map(|(name, owner)| (&**name, &**owner)).collect();
    assert_eq!(shared, [("BROOK_KEY", "brook")]);
    let beyond: Vec<&str> = offer.beyond.iter().map(|one| one.asked.as_str()).collect();
    assert_eq!(
        beyond,
        [
            "https://heron.example",
            "key from the variable BROOK_KEY",
            "key from the variable HERON_KEY"
        ]
    );
}

#[test]
fn two_components_with_one_tool_do_not_come_together() {
    let current = CurrentCatalog::default();
    current.put(&tool("first", "t", TRAPPING), ComponentGrant::default()).expect("it is alone");

    let clash = current.put(&tool("second", "t", TRAPPING), ComponentGrant::default());

    let (tool, first, second) = ("t".to_owned(), "first".to_owned(), "second".to_owned());
    assert_eq!(clash, Err(CatalogError::ToolClash { tool, first, second }));
    assert_eq!(current.snapshot().list().count(), 1);
}
