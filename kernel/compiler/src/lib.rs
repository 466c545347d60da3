//! The compiler of components, packed, as a program that is started from memory.
//!
//! The build script builds `program`, an executable with Cranelift in it, and embeds it packed. The build of
//! `openkoi-components` unpacks it to compile what comes with OpenKoi; the host does to compile what does not, and what is
//! rarely used. So Cranelift is built once, and is in no process that has anything to lose.

#![warn(clippy::disallowed_methods)]

mod branches;
mod protocol;

/// The program as it is embedded.
struct Packed {
    bytes: &'static [u8],
    length: usize,
    digest: &'static str,
    target: &'static str,
}

static PROGRAM: Packed = include!(concat!(env!("OUT_DIR"), "/program.rs"));

/// What the program is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// Compile what it reads.
    Compile,
    /// Try what it should not be able to do.
    Attempt,
    /// Take time without an end.
    Spin,
}

/// What the program may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Memory, in bytes of addresses.
    pub memory: u64,
    /// Time of the processor, in seconds.
    pub seconds: u64,
}

/// What the program answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Native code.
    Code(Vec<u8>),
    /// Why there is none.
    Refused(String),
    /// Why the process could not be confined; it read nothing then.
    Unconfined(String),
    /// The names of what it could do.
    Attempted(Vec<String>),
}

/// Returns the program, or nothing if it is damaged.
#[must_use]
pub fn unpack() -> Option<Vec<u8>> {
    let mut program = vec![0; PROGRAM.length];
    let mut context = zstd_safe::DCtx::create();
    let filled = context.decompress(program.as_mut_slice(), PROGRAM.bytes);
    if !filled.is_ok_and(|filled| filled == PROGRAM.length) {
        return None;
    }
    if PROGRAM.target.starts_with(branches::MACHINES) {
        branches::to_distances(&mut program);
    }
    Some(program)
}

/// Returns the SHA-256 of the program, in hexadecimal: another one may make other code of the same bytes.
#[must_use]
pub fn digest() -> &'static str {
    PROGRAM.digest
}

/// Returns the machine that the program was built for.
#[must_use]
pub fn target() -> &'static str {
    PROGRAM.target
}

/// Returns the arguments of the program. Code is made for the machine `target`; `limits` are those of a process that gives
/// up everything else first, without them it gives up nothing.
#[must_use]
pub fn arguments(act: Act, target: &str, limits: Option<Limits>) -> [String; 5] {
    let act = match act {
        Act::Compile => "compile",
        Act::Attempt => "attempt",
        Act::Spin => "spin",
    };
    let confinement = if limits.is_some() { protocol::CONFINED } else { "open" };
    let Limits { memory, seconds } = limits.unwrap_or(Limits { memory: 1 << 30, seconds: 0 });
    [act, confinement, target, &memory.to_string(), &seconds.to_string()].map(str::to_owned)
}

impl Answer {
    /// Reads what the program wrote, or nothing if it wrote nothing of the kind.
    #[must_use]
    pub fn of(mut written: Vec<u8>) -> Option<Self> {
        let announced = *written.first()?;
        written.remove(0);
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        match announced {
            protocol::CODE => Some(Self::Code(written)),
            protocol::REFUSED => Some(Self::Refused(text(written))),
            protocol::UNCONFINED => Some(Self::Unconfined(text(written))),
            protocol::ATTEMPTED => {
                let text = text(written);
                Some(Self::Attempted(text.split_terminator(',').map(str::to_owned).collect()))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, unpack};

    #[test]
    fn the_program_is_unpacked_whole() {
        let program = unpack().unwrap();

        // An executable, of the kind of this system.
        assert!(program.starts_with(b"\x7fELF") || program.starts_with(&[0xcf, 0xfa, 0xed, 0xfe]));
    }

    #[test]
    fn what_is_no_answer_is_none() {
        assert_eq!(Answer::of(Vec::new()), None);
        assert_eq!(Answer::of(b"hello".to_vec()), None);
        assert_eq!(Answer::of(b"c\x7fELF".to_vec()), Some(Answer::Code(b"\x7fELF".to_vec())));
        let could = vec!["read a file".to_owned(), "write a file".to_owned()];
        assert_eq!(
            Answer::of(b"aread a file,write a file,".to_vec()),
            Some(Answer::Attempted(could))
        );
    }
}
