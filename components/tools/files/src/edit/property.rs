//! Of random files and random edits: nothing outside of the replaced range ever changes.
//!
//! A file is put together from tokens whose bytes and shown form are known, in every charset and with every kind of line
//! end, mark and stray byte; so the test knows where a text stands without asking the code under test. Each case is made
//! from its number alone. `OPENKOI_BYTES_CASES=10000000` runs them all; `OPENKOI_BYTES_FROM` begins at another number.

use openkoi_sdk::files::Memory;
use openkoi_text::{Charset, Format, Hints, Text};

use super::{Edit, apply};

/// How many cases run where nothing else is said.
const SHARE: u64 = 50_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) % end as u64) as usize
    }

    fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }
}

/// A piece of a file.
#[derive(Clone, Debug, PartialEq)]
struct Token {
    bytes: Vec<u8>,
    /// What a model sees, and writes to name it. A line end is `\n`.
    shown: String,
    /// True for a byte that is shown as `\xE9`.
    odd: bool,
}

/// What a file is written in.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Utf8 {
        mark: bool,
    },
    /// UTF-8 with bytes in it that are none.
    Stray,
    Utf16 {
        little: bool,
    },
    /// A charset that the setting names, with letters of which some end in a byte that is ASCII.
    Legacy(&'static str, &'static str),
}

const KINDS: [Kind; 11] = [
    Kind::Utf8 { mark: false },
    Kind::Utf8 { mark: true },
    Kind::Stray,
    Kind::Utf16 { little: true },
    Kind::Utf16 { little: false },
    Kind::Legacy("gbk", "中文丄礱癸"),
    Kind::Legacy("shift_jis", "表ソあ能"),
    Kind::Legacy("big5", "功許中"),
    Kind::Legacy("euc-kr", "한국어"),
    Kind::Legacy("koi8-r", "жщя"),
    Kind::Legacy("windows-1252", "éß€"),
];

impl Kind {
    fn letters(self) -> &'static str {
        match self {
            Self::Legacy(_, letters) => letters,
            _ => "é中😀",
        }
    }

    /// Returns the hints under which a file of this kind is read.
    fn hints(self) -> Hints {
        match self {
            Self::Legacy(name, _) => Hints::of(&Memory::default().with_encoding(name), "a"),
            _ => Hints::default(),
        }
    }

    fn write(self, text: &str, hints: &Hints) -> Vec<u8> {
        match self {
            Self::Utf8 { .. } | Self::Stray => text.as_bytes().to_vec(),
            Self::Utf16 { little: true } => {
                text.encode_utf16().flat_map(u16::to_le_bytes).collect()
            }
            Self::Utf16 { .. } => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Legacy(..) => Format::of_new("é中ж", hints).bytes(text).unwrap(),
        }
    }

    fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 { mark: true } => b"\xEF\xBB\xBF",
            Self::Utf16 { little: true } => b"\xFF\xFE",
            Self::Utf16 { .. } => b"\xFE\xFF",
            _ => b"",
        }
    }
}

/// A file of tokens and what it is read with.
struct File {
    kind: Kind,
    hints: Hints,
    tokens: Vec<Token>,
    bytes: Vec<u8>,
    /// True if its lines end with CR alone.
    returns: bool,
}

impl File {
    fn random(random: &mut Random, hints: &[Hints]) -> Self {
        let at = random.below(KINDS.len());
        let (kind, hints) = (KINDS[at], hints[at]);
        let returns = random.below(12) == 0;
        let length = 1 + random.below(24);
        let mut tokens: Vec<Token> = Vec::new();
        while tokens.len() < length {
            let after_return = tokens.last().is_some_and(|last| last.shown == "\r");
            let token = Token::random(random, kind, &hints, returns, after_return);
            tokens.push(token);
        }
        // A CR at the very end is none before the end of a line.
        tokens.push(Token::of("z", kind, &hints));
        let bytes = tokens.iter().flat_map(|token| token.bytes.clone());
        let bytes = kind.mark().iter().copied().chain(bytes).collect();
        Self { kind, hints, tokens, bytes, returns }
    }

    fn offset(&self, token: usize) -> usize {
        let bytes: usize = self.tokens[..token].iter().map(|token| token.bytes.len()).sum();
        self.kind.mark().len() + bytes
    }

    /// Returns the ranges of tokens that are shown as `old`.
    fn places(&self, old: &[Token]) -> Vec<(usize, usize)> {
        let all = 0..=self.tokens.len().saturating_sub(old.len());
        let alike = |from: &usize| {
            let there = &self.tokens[*from..(*from + old.len()).min(self.tokens.len())];
            there.len() == old.len() && there.iter().zip(old).all(|(a, b)| a.shown == b.shown)
        };
        all.filter(alike)
            .filter(|from| !self.may_be_half(*from))
            .map(|from| (from, from + old.len()))
            .collect()
    }

    fn is_unknown(&self) -> bool {
        let format = Format::of(&self.bytes, &|| self.hints);
        format.is_some_and(|format| format.charset == Charset::Unknown)
    }

    /// In a charset that nothing tells, a letter behind another byte may be the second half of a character.
    fn may_be_half(&self, from: usize) -> bool {
        let lead = from.checked_sub(1).and_then(|at| self.tokens[at].bytes.last());
        let half = self.tokens.get(from).and_then(|token| token.bytes.first());
        self.is_unknown()
            && lead.is_some_and(|byte| *byte >= 0x81)
            && half.is_some_and(|byte| (0x30..=0x7E).contains(byte))
    }

    /// Returns whether the file is read as what it was written as. A few are not text, or could be of another kind. Where a
    /// file has too many stray bytes to be UTF-8, nothing but its ASCII is shown.
    fn is_seen_through(&self) -> bool {
        let Some(text) = Text::decode(&self.bytes, &|| self.hints) else { return false };
        let charset = match self.kind {
            Kind::Utf8 { .. } => text.format.charset == Charset::Utf8,
            Kind::Stray => true,
            Kind::Utf16 { .. } => text.format.unit() == 2,
            Kind::Legacy(..) => matches!(text.format.charset, Charset::Legacy(_) | Charset::Utf8),
        };
        let shown: String = self.tokens.iter().map(|token| token.shown.as_str()).collect();
        charset && text.format.breaks.plain(&text.text) == shown
    }
}

impl Token {
    fn of(text: &str, kind: Kind, hints: &Hints) -> Self {
        Self { bytes: kind.write(text, hints), shown: text.to_owned(), odd: false }
    }

    fn random(
        random: &mut Random,
        kind: Kind,
        hints: &Hints,
        returns: bool,
        after_return: bool,
    ) -> Self {
        let letter = |random: &mut Random, of: &str| {
            let letters: Vec<char> = of.chars().collect();
            Self::of(&random.one(&letters).to_string(), kind, hints)
        };
        match random.below(20) {
            _ if after_return => letter(random, "ab"),
            0..=9 => letter(random, "aab \tD"),
            10..=12 => letter(random, kind.letters()),
            13..=16 => {
                let end = if returns { "\r" } else { random.one(&["\n", "\n", "\r\n", "\r\r\n"]) };
                Self { shown: "\n".to_owned(), ..Self::of(end, kind, hints) }
            }
            17 if !returns => Self::of("\r", kind, hints),
            18 if kind == Kind::Stray => {
                let byte = random.one(&[0xE9_u8, 0xFF, 0xC0]);
                Self { bytes: vec![byte], shown: format!("\\x{byte:02X}"), odd: true }
            }
            19 if !matches!(kind, Kind::Utf16 { .. }) => {
                Self { bytes: vec![0], shown: "\\x00".to_owned(), odd: true }
            }
            _ => letter(random, "c'\"(){}=;"),
        }
    }
}

fn shown(tokens: &[Token]) -> String {
    tokens.iter().map(|token| token.shown.as_str()).collect()
}

/// Makes the new text from the old one: another letter in place of one of its tokens, or other tokens.
fn changed(random: &mut Random, file: &File, old: &[Token]) -> Vec<Token> {
    let mut new = if random.below(3) > 0 { old.to_vec() } else { Vec::new() };
    for _ in 0..1 + random.below(3) {
        let mut token = Token::random(random, file.kind, &file.hints, file.returns, false);
        if token.odd || token.shown == "\r" {
            token = Token::of("x", file.kind, &file.hints);
        }
        let at = random.below(new.len() + 1);
        if at < new.len() && random.below(2) == 0 {
            new[at] = token;
        } else {
            new.insert(at, token);
        }
    }
    new
}

/// Checks that `after` is the file with `new` at the first of these places and at all others that do not overlap one.
fn assert_replaced(
    file: &File,
    places: &[(usize, usize)],
    new: &[Token],
    after: &[u8],
    case: &str,
) {
    let text = Text::decode(&file.bytes, &|| file.hints).unwrap();
    let (mut before, mut rest) = (0, after);
    let mut next = 0;
    for &(from, to) in places {
        if from < next {
            continue;
        }
        let (start, end) = (file.offset(from), file.offset(to));
        let kept = &file.bytes[before..start];
        rest = rest.strip_prefix(kept).unwrap_or_else(|| panic!("{case}: before {start}"));
        rest = after_new(file, &text, new, rest)
            .unwrap_or_else(|| panic!("{case}: what stands in place of {start}..{end}"));
        (before, next) = (end, to);
    }
    assert_eq!(rest, &file.bytes[before..], "{case}: after {before}");
}

/// Takes the new text from the beginning of `rest`, with any line ends that the file has.
fn after_new<'b>(file: &File, text: &Text, new: &[Token], rest: &'b [u8]) -> Option<&'b [u8]> {
    let has_ends = file.tokens.iter().any(|token| token.shown == "\n");
    let mut rest = rest;
    for token in new {
        if token.shown != "\n" {
            rest = rest.strip_prefix(token.bytes.as_slice())?;
            continue;
        }
        let known: Vec<&[u8]> = match has_ends {
            true => {
                file.tokens.iter().filter(|end| end.shown == "\n").map(|end| &*end.bytes).collect()
            }
            false => vec![&token.bytes],
        };
        let mut longest: Vec<&[u8]> = known;
        longest.sort_by_key(|end| std::cmp::Reverse(end.len()));
        let written = if has_ends { None } else { text.format.bytes(&text.first_end().text()) };
        rest = match written {
            Some(end) => rest.strip_prefix(end.as_slice())?,
            None => longest.iter().find_map(|end| rest.strip_prefix(*end))?,
        };
    }
    Some(rest)
}

/// Runs one case; returns whether an edit was made.
fn run(number: u64, hints: &[Hints]) -> bool {
    let mut random = Random(number.wrapping_mul(0xD134_2543_DE82_EF95));
    let file = File::random(&mut random, hints);
    if !file.is_seen_through() {
        return false;
    }
    let from = random.below(file.tokens.len());
    let to = from + 1 + random.below((file.tokens.len() - from).min(6));
    let old = file.tokens[from..to].to_vec();
    if old.last().is_some_and(|last| last.shown == "\r") {
        // It names the half of a CRLF too, which is no token.
        return false;
    }
    let new = changed(&mut random, &file, &old);
    if shown(&new).contains("\r\n") {
        return false;
    }
    let replace_all = random.below(3) == 0;
    let edit = Edit { old_string: shown(&old), new_string: shown(&new), replace_all };
    let places = file.places(&old);
    let case = format!("case {number}: {:?} {:02X?} {edit:?}", file.kind, file.bytes);

    match apply(&file.bytes, &edit, "", &|| file.hints) {
        Ok(applied) => {
            assert!(replace_all || places.len() == 1, "{case}: {places:?}");
            assert_replaced(&file, &places, &new, &applied.bytes, &case);
            true
        }
        Err(failure) => {
            let is_same = edit.old_string == edit.new_string;
            let is_foreign = file.is_unknown() && !edit.new_string.is_ascii();
            let is_ambiguous = places.len() > 1 && !replace_all;
            assert!(
                is_same || is_foreign || is_ambiguous || places.is_empty(),
                "{case}: {failure}"
            );
            false
        }
    }
}

#[test]
fn nothing_outside_of_the_replaced_range_ever_changes() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let cases = number("OPENKOI_BYTES_CASES").unwrap_or(SHARE);
    let first = number("OPENKOI_BYTES_FROM").unwrap_or(0);
    let hints: Vec<Hints> = KINDS.iter().map(|kind| kind.hints()).collect();

    let made = (first..first + cases).filter(|case| run(*case, &hints)).count();

    // Otherwise the test would say less than it seems to.
    assert!(made as u64 * 2 > cases, "only {made} of {cases} cases made an edit");
}
