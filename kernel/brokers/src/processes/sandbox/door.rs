//! The listener inside of a program's network, handed out by the process that becomes the program.

use super::handed::{self, hand_out};
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::{AsFd, OwnedFd};

/// The end of the pair that the program's process has, and the port to listen on.
pub(super) struct DoorInside(OwnedFd, u16);

/// The end that stays outside.
pub(in crate::processes) struct DoorOutside(OwnedFd);

/// Makes a pair.
pub(super) fn pair(port: u16) -> io::Result<(DoorInside, DoorOutside)> {
    let (inside, outside) = handed::pair()?;
    Ok((DoorInside(inside, port), DoorOutside(outside)))
}

impl DoorInside {
    /// Makes the listener in the network of this process, and hands it out. Called between fork and exec: system calls
    /// only. The program itself does not have the listener.
    pub(super) fn open(&self) -> io::Result<()> {
        let flags = SocketFlags::CLOEXEC;
        let listener =
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        rustix::net::bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, self.1))?;
        rustix::net::listen(&listener, 64)?;
        hand_out(&self.0, b'l', &[listener.as_fd()])
    }
}

impl DoorOutside {
    /// Takes the listener. The program has started, so it was handed out, or there is none.
    pub(in crate::processes) fn take(self) -> io::Result<TcpListener> {
        let (_, handed) = handed::take(&self.0)?;
        let listener = handed.into_iter().next();
        let listener = listener.ok_or_else(|| io::Error::other("no listener was handed out"))?;
        Ok(TcpListener::from(listener))
    }
}
