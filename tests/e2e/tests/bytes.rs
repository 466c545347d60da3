//! Files to the byte: what an edit does not name stays as it was, and what a tool leaves out or overrides is said.

use std::{
    fs, os::unix::fs::MetadataExt, os::unix::fs::PermissionsExt, os::unix::fs::symlink, path::Path,
};

use openkoi_test_support::{Home, turn};
use serde_json::{Value, json};

use crate::tools::results;

/// Each edit is a call: path, old text, new text.
fn edited(home: impl FnOnce(Home) -> Home, edits: &[(&str, &str, &str)]) -> (Home, Vec<String>) {
    let call = |(path, old, new): &(&str, &str, &str)| {
        turn().call("edit_file", json!({"path": path, "old_string": old, "new_string": new}))
    };
    results(home, edits.iter().map(call).collect())
}

fn bytes(home: &Home, path: &str) -> Vec<u8> {
    fs::read(home.workspace().join(path)).unwrap()
}

#[test]
fn a_file_is_read_searched_and_edited_in_the_charset_that_is_named_for_it() {
    let cookie = b"# -*- coding: koi8-r -*-\n# \xD0\xD2\xC9\xD7\xC5\xD4\n";
    let home = |home: Home| {
        home.file(".editorconfig", "root = true\n[*.c]\ncharset = gbk\n")
            .file("a.c", b"// \xD6\xD0\xCE\xC4 \xB5\x61\r\nint x;\r\n")
            .file("a.py", cookie)
            .file("a.txt", b"\xCF\xF0\xE8\xE2\xE5\xF2 1\n")
            .config("[files]\nencoding = \"windows-1251\"")
    };
    let edit = |path: &str, old: &str, new: &str| {
        turn().call("edit_file", json!({"path": path, "old_string": old, "new_string": new}))
    };

    let (home, said) = results(
        home,
        vec![
            turn().call("read_file", json!({"path": "a.c"})),
            edit("a.c", "中文", "文字"),
            edit("a.c", "int x;", "int ñ;"),
            edit("a.py", "привет", "пока"),
            edit("a.txt", "Привет 1", "Привет 2\nи"),
            turn().call("search", json!({"pattern": "пока|文字"})),
            turn().call("write_file", json!({"path": "new.c", "contents": "// 中\n"})),
            turn().call("write_file", json!({"path": "a.txt", "contents": "中\n"})),
        ],
    );

    assert!(said[0].contains("1\t// 中文 礱\n"), "{}", said[0]);
    assert!(said[0].contains("GBK, as `.editorconfig` says; lines end with CRLF"), "{}", said[0]);
    assert!(
        said[2].contains("`ñ` cannot be written: `.editorconfig` says that the file is in GBK"),
        "{}",
        said[2]
    );
    assert_eq!(bytes(&home, "a.c"), b"// \xCE\xC4\xD7\xD6 \xB5\x61\r\nint x;\r\n");
    assert_eq!(bytes(&home, "a.py"), b"# -*- coding: koi8-r -*-\n# \xD0\xCF\xCB\xC1\n");
    assert!(
        said[5].contains("a.c\n  1: // 文字") && said[5].contains("a.py\n  2: # пока"),
        "{}",
        said[5]
    );
    assert!(said[6].contains("(GBK, as `.editorconfig` says)"), "{}", said[6]);
    assert_eq!(bytes(&home, "new.c"), b"// \xD6\xD0\n");
    assert!(said[7].contains("it is UTF-8 now; before, it was windows-1251"), "{}", said[7]);
    assert_eq!(bytes(&home, "a.txt"), "中\n".as_bytes());
}

#[test]
fn nothing_is_guessed_where_no_charset_is_named() {
    let (home, said) = edited(
        |home| home.file("a.c", b"// \xD6\xD0\nint x;\n"),
        &[("a.c", "int x;", "int y;"), ("a.c", "int y;", "int é;")],
    );

    assert!(said[1].contains("the user can name it (`charset` in `.editorconfig`"), "{}", said[1]);
    assert_eq!(bytes(&home, "a.c"), b"// \xD6\xD0\nint y;\n");
}

#[test]
fn every_line_keeps_its_end_and_every_byte_its_place() {
    let (home, said) = edited(
        |home| {
            home.file("twice.txt", "one\r\r\ntwo\r\r\nthree\r\r\n")
                .file("mixed.txt", "one\r\ntwo\nthree\r\n")
                .file("mac.txt", "one\rtwo\rthree\r")
                .file("mark.txt", b"\xEF\xBB\xBFone\ncaf\xE9\0\n")
                .file("wide.txt", b"\xFE\xFF\0o\0n\0e\0\r\0\n\0\xE9")
        },
        &[
            ("twice.txt", "one\ntwo", "1\n2\n2b"),
            ("mixed.txt", "one\ntwo\nthree", "1\n2\n3"),
            ("mac.txt", "one\ntwo", "1\n2"),
            ("mark.txt", "one", "1é"),
            ("wide.txt", "one\né", "1\n€"),
        ],
    );

    assert!(said.iter().all(|answer| answer.starts_with("edited")), "{said:?}");
    assert_eq!(bytes(&home, "twice.txt"), b"1\r\r\n2\r\r\n2b\r\r\nthree\r\r\n");
    assert_eq!(bytes(&home, "mixed.txt"), b"1\r\n2\n3\r\n");
    assert_eq!(bytes(&home, "mac.txt"), b"1\r2\rthree\r");
    assert_eq!(bytes(&home, "mark.txt"), b"\xEF\xBB\xBF1\xC3\xA9\ncaf\xE9\0\n");
    assert_eq!(bytes(&home, "wide.txt"), b"\xFE\xFF\x001\0\r\0\n\x20\xAC");
}

#[test]
fn what_a_file_has_besides_its_bytes_is_kept_or_said() {
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let home = |home: Home| {
        let home =
            home.file("names/one", "text\n").file("locked", "text\n").file("power", "text\n");
        let at = |path: &str| home.workspace().join(path);
        fs::hard_link(at("names/one"), at("two")).unwrap();
        fs::set_permissions(at("locked"), fs::Permissions::from_mode(0o440)).unwrap();
        fs::set_permissions(at("power"), fs::Permissions::from_mode(0o4755)).unwrap();
        home
    };

    let (home, said) = edited(
        home,
        &[("two", "text", "new"), ("locked", "text", "new"), ("power", "text", "new")],
    );

    let at = |path: &str| home.workspace().join(path);
    assert_eq!(
        (home.read("names/one").as_str(), fs::metadata(at("two")).unwrap().nlink()),
        ("new\n", 2)
    );
    assert!(said[1].contains("is marked read-only; it was changed all the same"), "{}", said[1]);
    assert_eq!((home.read("locked").as_str(), mode(&at("locked"))), ("new\n", 0o440));
    assert!(
        said[2].contains("ran as its owner (a set-id bit); a write takes that away"),
        "{}",
        said[2]
    );
    assert_eq!(mode(&at("power")), 0o755);
}

#[test]
fn an_edit_that_does_not_match_is_told_what_differs() {
    let home = |home: Home| {
        home.file("quotes.txt", "x\nShe said “hello”\n")
            .file("accent.txt", "cafe\u{301} au lait\n")
            .file("wide.txt", "f（x，y）\n")
            .file("tabs.py", "if x:\n\treturn\n")
            .file("ends.txt", "one\rtwo\nthree\n")
    };

    let (_, said) = edited(
        home,
        &[
            ("quotes.txt", "said \"hello\"", "x"),
            ("accent.txt", "café au", "x"),
            ("wide.txt", "f(x,y)", "x"),
            ("tabs.py", "if x:\n    return", "x"),
            ("ends.txt", "one\ntwo\nthree", "x"),
        ],
    );

    let wanted = [
        "quotes",
        "composed characters",
        "full-width forms",
        "white space (the file has tabs)",
        "the ends of lines",
    ];
    for (said, wanted) in said.iter().zip(wanted) {
        assert!(said.contains(&format!("differ from it only in {wanted}")), "{wanted}: {said}");
    }
    assert!(said[0].contains("2\\tShe said “hello”"), "{}", said[0]);
}

#[test]
fn what_a_search_passes_over_is_counted_and_named() {
    let home = |home: Home| {
        let big = format!("{}needle\n", "filler\n".repeat(2_600_000));
        let home = home
            .file(".gitignore", "out/\n*.log\n")
            .file("out/a.js", "needle\n")
            .file("b.log", "needle\n")
            .file("app/[slug]/page.tsx", "needle\n")
            .file("wide.txt", b"\xFF\xFEn\0e\0e\0d\0l\0e\0\n\0")
            .file("data.bin", b"\x7FELF\0\0\0\0needle")
            .file("big.csv", big);
        symlink("app", home.workspace().join("linked")).unwrap();
        home
    };
    let search = |arguments: Value| turn().call("search", arguments);
    let find = |arguments: Value| turn().call("find_files", arguments);

    let (_, said) = results(
        home,
        vec![
            search(json!({"pattern": "needle"})),
            search(json!({"pattern": "needle", "path": "big.csv"})),
            search(json!({"pattern": "needle", "glob": "out/a.js"})),
            find(json!({"glob": "app/[slug]/page.tsx"})),
            find(json!({"glob": "*.log"})),
            find(json!({"glob": ".git/**"})),
        ],
    );

    let all = &said[0];
    assert!(all.contains("app/[slug]/page.tsx\n  1: needle\nwide.txt\n  1: needle\n"), "{all}");
    for wanted in [
        "[1 link not followed: `linked`]",
        "[1 file not searched, binary: `data.bin`]",
        "[1 file not searched, too large (each is searched as `path`): `big.csv`]",
        "`b.log`, `out/`",
    ] {
        assert!(all.contains(wanted), "{wanted}: {all}");
    }
    assert!(said[1].starts_with("big.csv\n  2600001: needle\n"), "{}", said[1]);
    assert!(said[2].starts_with("out/a.js\n  1: needle\n"), "{}", said[2]);
    assert!(said[3].starts_with("app/[slug]/page.tsx\n"), "{}", said[3]);
    assert!(
        said[4].contains("[1 matching file is ignored") && said[4].contains("`b.log`"),
        "{}",
        said[4]
    );
    assert!(
        said[5].contains("[`.git` left out") || said[5].contains("no file matches"),
        "{}",
        said[5]
    );
}

#[test]
fn a_charset_that_nobody_knows_is_a_mistake_of_the_configuration() {
    let home = Home::new().config("[files]\nencoding = \"klingon\"");

    let run = home.openkoi(["config"]).run();

    assert_eq!(run.code, 3, "{run}");
    assert!(run.stderr.contains("files.encoding") && run.stderr.contains("\"gbk\""), "{run}");
}
