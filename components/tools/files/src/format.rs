//! Lines, sizes and kinds of files as they are shown.

/// The longest line that is shown, in characters.
pub(crate) const MAX_LINE: usize = 2000;

/// Shows lines with their numbers, counted from `first`.
pub(crate) fn numbered<'a>(lines: impl IntoIterator<Item = &'a str>, first: usize) -> String {
    let lines = lines.into_iter().enumerate();
    lines.map(|(at, line)| format!("{:>6}\t{}\n", first + at, cut(line))).collect()
}

/// Cuts a line that is too long to be shown and says how long it is.
pub(crate) fn cut(line: &str) -> String {
    match line.char_indices().nth(MAX_LINE) {
        None => line.to_owned(),
        Some((end, _)) => {
            format!("{}… [line cut; it has {} characters]", &line[..end], line.chars().count())
        }
    }
}

/// Writes a size for people.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 4] = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} bytes");
    }
    let mut value = bytes as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// Writes a count with its noun.
pub(crate) fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Images and documents that models look at, by their first bytes.
pub(crate) fn media_type(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0D, 0x0A, 0x1A, 0x0A, ..] => Some("image/png"),
        [0xFF, 0xD8, 0xFF, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [b'%', b'P', b'D', b'F', b'-', ..] => Some("application/pdf"),
        _ => None,
    }
}

/// Names other bytes by how they begin.
pub(crate) fn binary_kind(bytes: &[u8]) -> &'static str {
    const KINDS: [(&[u8], &str); 15] = [
        (b"\xFF\xFE\0\0", "UTF-32, which `iconv -f UTF-32 -t UTF-8` converts"),
        (b"\x7FELF", "an ELF executable or library"),
        (b"MZ", "a Windows executable or library"),
        (b"\xCF\xFA\xED\xFE", "a Mach-O executable or library"),
        (b"\xCA\xFE\xBA\xBE", "a Java class or a Mach-O library"),
        (b"\0asm", "WebAssembly"),
        (b"PK\x03\x04", "a ZIP archive or an office document"),
        (b"\x1F\x8B", "gzip-compressed data"),
        (b"\x28\xB5\x2F\xFD", "zstd-compressed data"),
        (b"\xFD7zXZ", "xz-compressed data"),
        (b"BZh", "bzip2-compressed data"),
        (b"SQLite format 3", "an SQLite database"),
        (b"OggS", "Ogg audio or video"),
        (b"wOF", "a web font"),
        (b"!<arch>", "an object archive"),
    ];
    let known = KINDS.iter().find(|(magic, _)| bytes.starts_with(magic));
    known.map_or("of an unknown kind", |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_cut_at_a_character() {
        let line = "ä".repeat(MAX_LINE + 1);

        assert_eq!(
            cut(&line),
            format!("{}… [line cut; it has 2001 characters]", "ä".repeat(MAX_LINE))
        );
        assert_eq!(cut("short"), "short");
    }

    #[test]
    fn sizes_read_well() {
        assert_eq!(size(1023), "1023 bytes");
        assert_eq!(size(1536), "1.5 KiB");
        assert_eq!(size(5 * 1024 * 1024), "5.0 MiB");
    }
}
