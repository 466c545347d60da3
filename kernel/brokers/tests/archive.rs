//! Archives from anybody: what is read of them, and what is refused as a whole.
#![expect(clippy::unwrap_used, reason = "what a test needs is there, or the test fails")]

use std::{
    fs,
    io::{Cursor, Write},
    os::unix::fs::symlink,
};

use flate2::{Compression, write::GzEncoder};
use openkoi_brokers::archive::{
    ArchiveError, ArchiveFile, ArchiveLimits, of_folder, paths, unpack,
};
use tar::{EntryType, Header};
use zip::write::SimpleFileOptions;

const LIMITS: ArchiveLimits = ArchiveLimits { entries: 50, files: 20, bytes: 4 << 20, ratio: 50 };

fn header(kind: EntryType, path: &str, size: usize) -> Header {
    let mut header = Header::new_gnu();
    // Written as bytes: the library refuses what a hostile archive has.
    header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size as u64);
    header.set_mode(if path.ends_with(".sh") { 0o755 } else { 0o644 });
    header.set_cksum();
    header
}

fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, bytes) in files {
        tar.append(&header(EntryType::Regular, path, bytes.len()), *bytes).unwrap();
    }
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

fn tar_of(kind: EntryType, path: &str, to: &str) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    tar.append(&header(EntryType::Regular, "a/SKILL.md", 1), b"x".as_slice()).unwrap();
    let mut link = header(kind, path, 0);
    link.as_old_mut().linkname[..to.len()].copy_from_slice(to.as_bytes());
    link.set_cksum();
    tar.append(&link, std::io::empty()).unwrap();
    tar.into_inner().unwrap()
}

fn zip(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, bytes) in files {
        let mode = if path.ends_with(".sh") { 0o755 } else { 0o644 };
        zip.start_file(*path, SimpleFileOptions::default().unix_permissions(mode)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn all(archive: &[u8]) -> Result<Vec<ArchiveFile>, ArchiveError> {
    unpack(archive, &LIMITS, |_| true)
}

#[test]
fn the_files_of_each_kind_of_archive_are_the_same() {
    let files: [(&str, &[u8]); 3] =
        [("a/SKILL.md", b"text"), ("a/run.sh", b"#!/bin/sh"), ("other", b"")];
    let wanted = |path: &str| path.starts_with("a/");
    let file = |path: &str, bytes: &[u8], is_program| ArchiveFile {
        path: path.to_owned(),
        bytes: bytes.to_vec(),
        is_program,
    };
    let expected = [file("a/SKILL.md", b"text", false), file("a/run.sh", b"#!/bin/sh", true)];
    for archive in [zip(&files), tar(&files), gzip(&tar(&files))] {
        assert_eq!(unpack(&archive, &LIMITS, wanted).unwrap(), expected);
        assert_eq!(paths(&archive, &LIMITS).unwrap(), ["a/SKILL.md", "a/run.sh", "other"]);
    }
}

#[test]
fn an_archive_with_a_path_that_leads_out_is_refused() {
    for path in [
        "../out",
        "a/../../out",
        "/etc/passwd",
        "a\\..\\out",
        "C:/x",
        "a//b",
        "a/./b",
        "a\u{1b}[2J",
    ] {
        for archive in [tar(&[(path, b"x")]), zip(&[(path, b"x")])] {
            let refused = all(&archive);
            assert!(matches!(refused, Err(ArchiveError::Path(_))), "{path}: {refused:?}");
        }
    }
}

#[test]
fn a_link_within_an_archive_is_a_copy_and_one_that_leads_out_is_refused() {
    for (kind, to) in [(EntryType::Symlink, "SKILL.md"), (EntryType::Link, "a/SKILL.md")] {
        let found = all(&tar_of(kind, "a/copy.md", to)).unwrap();
        assert_eq!(found[1].path, "a/copy.md");
        assert_eq!(found[1].bytes, b"x");
    }
    for to in ["/etc/passwd", "../../etc/passwd", "../../a/SKILL.md", "gone", "."] {
        let refused = all(&tar_of(EntryType::Symlink, "a/copy.md", to));
        assert!(matches!(refused, Err(ArchiveError::Link(_))), "{to}: {refused:?}");
    }
    let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("a", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    let refused = all(&zip.finish().unwrap().into_inner());
    assert!(matches!(refused, Err(ArchiveError::Link(_))), "{refused:?}");
}

#[test]
fn devices_pipes_and_two_files_of_one_name_are_refused() {
    for kind in [EntryType::Fifo, EntryType::Char, EntryType::Block] {
        let refused = all(&tar_of(kind, "a/device", ""));
        assert!(matches!(refused, Err(ArchiveError::Special(_))), "{refused:?}");
    }
    for (one, other) in [("a", "a"), ("SKILL.md", "skill.md")] {
        let refused = all(&tar(&[(one, b"x"), (other, b"y")]));
        assert!(matches!(refused, Err(ArchiveError::Twice(_))), "{refused:?}");
    }
}

#[test]
fn an_archive_that_unpacks_to_too_much_is_refused() {
    let zeros = vec![0; 5 << 20];
    for archive in [zip(&[("a", &zeros)]), gzip(&tar(&[("a", &zeros)]))] {
        let refused = all(&archive);
        assert!(matches!(refused, Err(ArchiveError::Bomb(50))), "{refused:?}");
    }
    // What is not wanted is unpacked too where the archive is one stream.
    let refused = unpack(&gzip(&tar(&[("a", &zeros)])), &LIMITS, |_| false);
    assert!(matches!(refused, Err(ArchiveError::Bomb(50))), "{refused:?}");
    // Bytes that cannot be packed are no bomb, and still too many.
    let mut seed = 7_u32;
    let noise: Vec<u8> = (0..5 << 20)
        .map(|_| {
            seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            seed.to_be_bytes()[0]
        })
        .collect();
    for archive in [zip(&[("a", &noise)]), tar(&[("a", &noise)])] {
        let refused = all(&archive);
        assert!(matches!(refused, Err(ArchiveError::Large(_))), "{refused:?}");
    }
}

#[test]
fn an_archive_with_too_many_entries_or_files_is_refused() {
    let names: Vec<String> = (0..60).map(|number| format!("f{number}")).collect();
    let many: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), &b""[..])).collect();
    for archive in [zip(&many), tar(&many)] {
        let refused = unpack(&archive, &LIMITS, |_| false);
        assert!(matches!(refused, Err(ArchiveError::Entries(50))), "{refused:?}");
    }
    let refused = all(&tar(&many[..30]));
    assert!(matches!(refused, Err(ArchiveError::Files(20))), "{refused:?}");
}

#[test]
fn what_is_no_archive_or_is_cut_or_changed_is_refused_and_nothing_panics() {
    assert!(matches!(all(b"<!doctype html>"), Err(ArchiveError::Unknown)));
    assert!(matches!(all(b""), Err(ArchiveError::Unknown)));
    let files: [(&str, &[u8]); 2] = [("a/SKILL.md", b"text"), ("a/b", b"more text")];
    for archive in [zip(&files), tar(&files), gzip(&tar(&files))] {
        for cut in 0..archive.len() {
            drop(all(&archive[..cut]));
            let mut changed = archive.clone();
            changed[cut] ^= 0x55;
            drop(all(&changed));
        }
    }
    assert!(all(&gzip(&tar(&files))[..40]).is_err());
}

#[test]
fn a_folder_is_read_without_what_is_hidden_and_no_link_leads_out_of_it() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("skill");
    fs::create_dir_all(root.join(".git")).unwrap();
    fs::create_dir_all(root.join("scripts")).unwrap();
    fs::write(root.join("SKILL.md"), "x").unwrap();
    fs::write(root.join(".env"), "secret").unwrap();
    fs::write(root.join("scripts/run.sh"), "y").unwrap();
    symlink("run.sh", root.join("scripts/again.sh")).unwrap();
    let found = of_folder(&root, &LIMITS, |_| true).unwrap();
    let found: Vec<&str> = found.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(found, ["SKILL.md", "scripts/again.sh", "scripts/run.sh"]);

    fs::write(directory.path().join("outside"), "secret").unwrap();
    symlink("../outside", root.join("out")).unwrap();
    let refused = of_folder(&root, &LIMITS, |_| true);
    assert!(matches!(refused, Err(ArchiveError::Link(_))), "{refused:?}");
    fs::remove_file(root.join("out")).unwrap();
    symlink(".", root.join("again")).unwrap();
    let refused = of_folder(&root, &LIMITS, |_| true);
    assert!(matches!(refused, Err(ArchiveError::FolderLink(_))), "{refused:?}");
}
