//! Descriptors that a program's process hands out before it becomes the program.

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketFlags, SocketType,
};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{BorrowedFd, OwnedFd};

/// The most descriptors in one message.
const MOST: usize = 3;

/// Makes a pair: the end of the program's process, and the end that stays outside.
pub(super) fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC;
    let pair = rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?;
    Ok(pair)
}

/// Hands descriptors out, with a byte that says what they are. Called between fork and exec: system calls only.
pub(super) fn hand_out(
    inside: &OwnedFd,
    kind: u8,
    descriptors: &[BorrowedFd<'_>],
) -> io::Result<()> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut message = SendAncillaryBuffer::new(&mut space);
    message.push(SendAncillaryMessage::ScmRights(descriptors));
    let kind = [kind];
    let byte = [IoSlice::new(&kind)];
    rustix::net::sendmsg(inside, &byte, &mut message, SendFlags::empty())?;
    Ok(())
}

/// Takes what was handed out. The program has started, so it is there, or there is nothing.
pub(super) fn take(outside: &OwnedFd) -> io::Result<(u8, Vec<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut message = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let mut bytes = [IoSliceMut::new(&mut byte)];
    let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
    rustix::net::recvmsg(outside, &mut bytes, &mut message, flags)?;
    let mut handed = Vec::new();
    for message in message.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            handed.extend(descriptors);
        }
    }
    Ok((byte[0], handed))
}
