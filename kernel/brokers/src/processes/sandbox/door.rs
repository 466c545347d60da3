//! The listener inside of a program's network, handed out by the process that becomes the program.

use crate::processes::network::PORT;
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, SocketAddrV4, TcpListener};
use std::os::fd::{AsFd, OwnedFd};

/// The end of the pair that the program's process has.
pub(super) struct DoorInside(OwnedFd);

/// The end that stays outside.
pub(in crate::processes) struct DoorOutside(OwnedFd);

/// Makes a pair.
pub(super) fn pair() -> io::Result<(DoorInside, DoorOutside)> {
    let flags = SocketFlags::CLOEXEC;
    let (inside, outside) =
        rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    Ok((DoorInside(inside), DoorOutside(outside)))
}

impl DoorInside {
    /// Makes the listener in the network of this process, and hands it out. Called between fork and exec: system calls
    /// only. The program itself does not have the listener.
    pub(super) fn open(&self) -> io::Result<()> {
        let flags = SocketFlags::CLOEXEC;
        let listener =
            rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)?;
        rustix::net::bind(&listener, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, PORT))?;
        rustix::net::listen(&listener, 64)?;
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut message = SendAncillaryBuffer::new(&mut space);
        let descriptors = [listener.as_fd()];
        message.push(SendAncillaryMessage::ScmRights(&descriptors));
        let byte = [IoSlice::new(b"l")];
        rustix::net::sendmsg(&self.0, &byte, &mut message, SendFlags::empty())?;
        Ok(())
    }
}

impl DoorOutside {
    /// Takes the listener. The program has started, so it was handed out, or there is none.
    pub(in crate::processes) fn take(self) -> io::Result<TcpListener> {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut message = RecvAncillaryBuffer::new(&mut space);
        let mut byte = [0];
        let mut bytes = [IoSliceMut::new(&mut byte)];
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        rustix::net::recvmsg(&self.0, &mut bytes, &mut message, flags)?;
        let handed = message.drain().find_map(|message| match message {
            RecvAncillaryMessage::ScmRights(mut descriptors) => descriptors.next(),
            _ => None,
        });
        let listener = handed.ok_or_else(|| io::Error::other("no listener was handed out"))?;
        Ok(TcpListener::from(listener))
    }
}
