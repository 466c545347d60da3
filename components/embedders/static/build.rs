//! Folds the vocabulary: it is sorted, so an entry is what it shares with the one before, and the rest. Packed, that is a
//! quarter less.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=vocab.txt");
    println!("cargo::rerun-if-changed=build.rs");
    let out = env::var_os("OUT_DIR").map(PathBuf::from).unwrap_or_default();
    fs::write(out.join("vocab.folded"), folded(&fs::read_to_string("vocab.txt")?))
}

/// A byte from 128 on begins an entry, and says how many bytes it shares with the one before. All others are its rest.
fn folded(names: &str) -> Vec<u8> {
    let mut folded = Vec::new();
    let mut before = "";
    for name in names.lines() {
        let shared = before.bytes().zip(name.bytes()).take_while(|(one, other)| one == other);
        let shared = shared.count().min(127);
        folded.push(128 + shared as u8);
        folded.extend(&name.as_bytes()[shared..]);
        before = name;
    }
    folded
}
