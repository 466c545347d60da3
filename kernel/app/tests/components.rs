//! Components that a person adds: what they are granted is kept, and compared with what an update asks for.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{ffi::OsString, fs, sync::Arc};

use openkoi_app::{
    app::App, components::ComponentUpdate, environment::Environment, error::AppError,
};
use openkoi_core::grant::ComponentGrant;
use openkoi_host::catalog::{Catalog, CatalogError};

fn app(home: &tempfile::TempDir) -> App {
    let path = home.path().join("home");
    fs::create_dir_all(&path).unwrap();
    let variables = [("OPENKOI_HOME", path.into_os_string()), ("PATH", "/usr/bin:/bin".into())];
    let variables = variables.map(|(name, value): (&str, OsString)| (OsString::from(name), value));
    App::new(Environment::new(variables, home.path().to_owned()))
}

/// A component that is a tool by name, with these rules for requests. No test here calls it.
fn pond(name: &str, version: &str, rules: &[&str]) -> Vec<u8> {
    let manifest = format!(
        "[component]\nname = \"{name}\"\nversion = \"{version}\"\nkind = \"tool\"\npublisher = \"p\"\n\
         description = \"d\"\n[[tool]]\nname = \"feed\"\ndescription = \"d\"\neffect = \"read\"\ndomain = \"d\"\n\
         parameters = '{{\"type\":\"object\"}}'\n[[tool.capability]]\ninterface = \"http\"\nallow = {rules:?}\n\
         why = \"Asks what they like.\"\n"
    );
    let text = "(component (instance $none) (export \"openkoi:tool/tool@0.1.0\" (instance $none)))";
    let mut wasm = wat::parse_str(text).unwrap();
    let name = b"openkoi:manifest";
    let mut body = vec![u8::try_from(name.len()).unwrap()];
    body.extend_from_slice(name);
    body.extend_from_slice(manifest.as_bytes());
    wasm.push(0);
    let mut length = body.len();
    while length >= 0x80 {
        wasm.push(u8::try_from(length & 0x7f | 0x80).unwrap());
        length >>= 7;
    }
    wasm.push(u8::try_from(length).unwrap());
    wasm.extend(body);
    wasm
}

fn asked(app: &App, wasm: &[u8]) -> ComponentGrant {
    app.component_offer(wasm).unwrap().asked
}

#[test]
fn an_update_that_asks_for_the_same_or_less_is_silent() {
    let home = tempfile::tempdir().unwrap();
    let app = app(&home);
    let first = pond("pond", "1.0.0", &["GET https://pond.example/**"]);
    let granted = asked(&app, &first);
    assert_eq!(app.put_component(&first, &granted).unwrap(), "pond");

    let same = pond("pond", "1.1.0", &["GET https://pond.example/**"]);
    let less = pond("pond", "1.2.0", &["GET https://pond.example/fish/*"]);

    for wasm in [&same, &less] {
        let update = app.update_component(wasm).unwrap();
        assert_eq!(update, ComponentUpdate::Done("pond".to_owned()));
    }
    // Now that less is granted, the earlier version asks for more again, but was granted that itself.
    assert_eq!(app.component_offer(&first).unwrap().beyond, []);
    let wide = pond("pond", "1.3.0", &["GET https://pond.example/**"]);
    assert!(matches!(app.update_component(&wide).unwrap(), ComponentUpdate::Waits(_)));
}

#[test]
fn an_update_that_asks_for_more_waits_and_says_what_it_is() {
    let home = tempfile::tempdir().unwrap();
    let app = app(&home);
    let first = pond("pond", "1.0.0", &["GET https://pond.example/**"]);
    app.put_component(&first, &asked(&app, &first)).unwrap();

    let more = pond("pond", "2.0.0", &["GET https://pond.example/**", "https://evil.example/**"]);
    let ComponentUpdate::Waits(offer) = app.update_component(&more).unwrap() else {
        panic!("nobody was asked")
    };

    assert_eq!((&*offer.name, &*offer.manifest.component.version), ("pond", "2.0.0"));
    let lines: Vec<(Option<&str>, &str, &str)> = offer
        .beyond
        .iter()
        .map(|one| (one.tool.as_deref(), one.what.as_str(), one.asked.as_str()))
        .collect();
    assert_eq!(lines, [(Some("feed"), "http", "https://evil.example/**")]);
    assert_eq!(offer.why(&offer.beyond[0]).collect::<Vec<_>>(), ["Asks what they like."]);
    let kept = app.storage().unwrap();
    assert_eq!(kept.component_grant(&offer.digest).unwrap(), None);

    // A person says yes.
    app.put_component(&more, &offer.asked).unwrap();
    assert_eq!(kept.component_grant(&offer.digest).unwrap(), Some(offer.asked.clone()));
    assert_eq!(app.component_offer(&more).unwrap().beyond, []);
}

#[test]
fn grants_outlive_the_process_and_end_with_the_component() {
    let home = tempfile::tempdir().unwrap();
    let wasm = pond("pond", "1.0.0", &["GET https://pond.example/**"]);
    {
        let app = app(&home);
        app.put_component(&wasm, &asked(&app, &wasm)).unwrap();
    }
    let app = app(&home);
    assert_eq!(app.component_offer(&wasm).unwrap().beyond, []);
    app.update_component(&wasm).unwrap();

    app.remove_component("pond").unwrap();

    assert_eq!(app.component_offer(&wasm).unwrap().beyond.len(), 1);
    let again = app.remove_component("pond").unwrap_err();
    assert!(matches!(again, AppError::Unfit(CatalogError::Unknown { .. })), "{again}");
}

#[test]
fn what_came_with_the_program_is_neither_replaced_nor_removed() {
    let home = tempfile::tempdir().unwrap();
    let app = Arc::new(app(&home));
    let files = pond("files", "9.0.0", &["https://evil.example/**"]);

    let put = app.put_component(&files, &asked(&app, &files)).unwrap_err();
    let removed = app.remove_component("files").unwrap_err();

    assert_eq!(
        put.to_string(),
        "`files` came with OpenKoi: it can be neither replaced nor removed"
    );
    assert_eq!(removed.to_string(), put.to_string());
}

#[test]
fn an_installed_component_is_there_for_the_next_process_unless_the_program_has_its_tools_by_now() {
    let home = tempfile::tempdir().unwrap();
    let wasm = pond("pond", "1.0.0", &["GET https://pond.example/**"]);
    let first = app(&home);
    first.install_component(&wasm, &asked(&first, &wasm)).unwrap();

    let (all, not_used) = app(&home).with_installed(Catalog::default()).unwrap();
    assert_eq!(not_used, []);
    assert_eq!(all.find("pond").unwrap().grant(Some("feed")).unwrap().http.len(), 1);

    let (program, _) = Catalog::default()
        .with_component(&pond("brook", "1.0.0", &["GET https://brook.example/**"]))
        .unwrap();
    let (all, not_used) = app(&home).with_installed(program).unwrap();
    assert!(all.find("pond").is_err());
    assert_eq!(not_used[0].name, "pond");
    assert!(not_used[0].why.contains("`feed`"), "{}", not_used[0].why);

    app(&home).remove_component("pond").unwrap();
    assert_eq!(app(&home).installed_components().unwrap(), [""; 0]);
}
