//! Takes the symbol table out of compiled code.
//!
//! wasmtime writes one for debuggers and disassemblers and ignores it when it loads; traps take their names from a
//! section of their own. It is a tenth of what is embedded, unpacked and held in memory.

use std::ops::Range;

/// The places of the fields of an ELF file of 64 bits.
const TABLE: usize = 0x28;
const COUNT: usize = 0x3c;
const NAMES: usize = 0x3e;
/// The size of an entry of its table of sections, and where an entry says what.
const ENTRY: usize = 64;
const NAME: usize = 0;
const OFFSET: usize = 0x18;
const SIZE: usize = 0x20;

/// The sections that go.
const UNREAD: [&[u8]; 2] = [b".symtab", b".strtab"];

/// Returns the code without its symbols, or as it was if it is not laid out as expected: that they are the last
/// but for the names of the sections, and the table of sections is the end.
pub(crate) fn without(code: Vec<u8>) -> Vec<u8> {
    cut(&code).unwrap_or(code)
}

fn cut(code: &[u8]) -> Option<Vec<u8>> {
    let table = usize::try_from(number(code, TABLE, 8)?).ok()?;
    let count = usize::try_from(number(code, COUNT, 2)?).ok()?;
    let naming = usize::try_from(number(code, NAMES, 2)?).ok()? * ENTRY;
    let mut entries = code.get(table..)?.get(..count * ENTRY)?.to_vec();
    let names = code.get(place(&entries, naming)?)?;
    let sections: Vec<usize> = (0..count).map(|index| index * ENTRY).collect();
    let is_unread =
        |at: &usize| name(&entries, *at, names).is_some_and(|one| UNREAD.contains(&one));
    let unread: Vec<usize> = sections.iter().copied().filter(is_unread).collect();
    let starts = unread.iter().filter_map(|at| place(&entries, *at)).map(|one| one.start);
    let end = starts.min()?;
    let is_behind = |at: &&usize| place(&entries, **at).is_some_and(|one| one.end > end);
    let only_names_stay = sections.iter().filter(is_behind).count() == unread.len() + 1;
    if !only_names_stay || place(&entries, naming)?.start < end || table < end {
        return None;
    }
    for at in unread {
        put(&mut entries, at + SIZE, 0);
        put(&mut entries, at + OFFSET, end);
    }
    put(&mut entries, naming + OFFSET, end);
    Some(joined(&code[..end], names, &entries))
}

/// Puts the file together again: what stays, the names of the sections, and their table.
fn joined(kept: &[u8], names: &[u8], entries: &[u8]) -> Vec<u8> {
    let mut code = [kept, names].concat();
    code.resize(code.len().next_multiple_of(8), 0);
    let table = code.len();
    put(&mut code, TABLE, table);
    code.extend_from_slice(entries);
    code
}

/// Returns what the section is called that the entry at `at` describes.
fn name<'a>(entries: &[u8], at: usize, names: &'a [u8]) -> Option<&'a [u8]> {
    let start = usize::try_from(number(entries, at + NAME, 4)?).ok()?;
    names.get(start..)?.split(|byte| *byte == 0).next()
}

/// Returns where the section is that the entry at `at` describes.
fn place(entries: &[u8], at: usize) -> Option<Range<usize>> {
    let start = usize::try_from(number(entries, at + OFFSET, 8)?).ok()?;
    let size = usize::try_from(number(entries, at + SIZE, 8)?).ok()?;
    Some(start..start.checked_add(size)?)
}

/// Reads a number of `width` bytes.
fn number(bytes: &[u8], at: usize, width: usize) -> Option<u64> {
    let read = bytes.get(at..at.checked_add(width)?)?;
    Some(read.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

fn put(bytes: &mut [u8], at: usize, number: usize) {
    bytes[at..at + 8].copy_from_slice(&(number as u64).to_le_bytes());
}
