//! Tries what a confined process should not be able to do, so that tests can look at it from inside.

use std::{io, net::UdpSocket, process::Command};

use crate::confine::Limits;

/// Something that is tried, and its name.
type Attempt = (&'static str, fn(Limits) -> io::Result<()>);

const ATTEMPTS: [Attempt; 7] = [
    ("read a file", |_| read()),
    ("write a file", |_| write()),
    ("make a socket", |_| socket()),
    ("start a program", |_| start()),
    ("reach another process", |_| reach()),
    ("run what it wrote", |_| run()),
    ("take more memory", take),
];

/// Returns the names of what could be done, each followed by a comma.
pub(crate) fn all(limits: Limits) -> String {
    let done = ATTEMPTS.iter().filter(|(_, attempt)| attempt(limits).is_ok());
    done.map(|(name, _)| format!("{name},")).collect()
}

#[expect(clippy::disallowed_methods, reason = "that this fails is what is to be shown")]
fn read() -> io::Result<()> {
    std::fs::read("/etc/passwd").map(|_| ())
}

#[expect(clippy::disallowed_methods, reason = "that this fails is what is to be shown")]
fn write() -> io::Result<()> {
    let path = std::env::temp_dir().join(format!("openkoi-attempt-{}", std::process::id()));
    std::fs::write(&path, "written")?;
    std::fs::remove_file(path)
}

#[expect(clippy::disallowed_methods, reason = "that this fails is what is to be shown")]
fn socket() -> io::Result<()> {
    UdpSocket::bind("127.0.0.1:0").map(|_| ())
}

#[expect(clippy::disallowed_methods, reason = "that this fails is what is to be shown")]
fn start() -> io::Result<()> {
    Command::new("/bin/sh").args(["-c", ":"]).status().map(|_| ())
}

/// Asks whether its parent could be sent a signal.
fn reach() -> io::Result<()> {
    let parent = rustix::process::getppid().ok_or(io::ErrorKind::NotFound)?;
    Ok(rustix::process::test_kill_process(parent)?)
}

fn run() -> io::Result<()> {
    use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};
    // Whole pages, whatever their size is: asking for it would need a file.
    const LENGTH: usize = 64 << 10;
    let access = ProtFlags::READ | ProtFlags::WRITE;
    #[expect(unsafe_code, reason = "no safe way gives pages whose access can be changed")]
    // SAFETY: the system chooses an address where nothing is, and the page is given back before anything else uses it.
    unsafe {
        let page = mmap_anonymous(std::ptr::null_mut(), LENGTH, access, MapFlags::PRIVATE)?;
        let changed = mprotect(page, LENGTH, MprotectFlags::READ | MprotectFlags::EXEC);
        munmap(page, LENGTH)?;
        Ok(changed?)
    }
}

fn take(limits: Limits) -> io::Result<()> {
    let more = usize::try_from(limits.memory).unwrap_or(usize::MAX / 2);
    let mut memory = Vec::<u8>::new();
    memory.try_reserve_exact(more).map_err(io::Error::other)?;
    // A reservation that nobody looks at would be left out of the program.
    std::hint::black_box(&mut memory);
    Ok(())
}
