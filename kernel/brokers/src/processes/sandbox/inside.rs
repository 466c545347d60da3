//! The namespaces of a program that others enter later: handed out by its process, and what is done in them from outside.

use super::handed::{self, hand_out};
use super::namespace::{attempt_in_child, move_into};
use crate::layer::{LayerMount, Remount};
use crate::processes::shared::Namespaces;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use rustix::thread::LinkNameSpaceType;
use std::ffi::CStr;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

/// Bits of the byte that says what was handed out. The mounts always are.
const USERS: u8 = 1;
const NETWORK: u8 = 2;

/// The end of the pair that the program's process has.
pub(super) struct InsideOut(OwnedFd);

/// The end that stays outside.
pub(in crate::processes) struct InsideTaken(OwnedFd);

/// Makes a pair.
pub(super) fn pair() -> io::Result<(InsideOut, InsideTaken)> {
    let (inside, outside) = handed::pair()?;
    Ok((InsideOut(inside), InsideTaken(outside)))
}

impl InsideOut {
    /// Hands out the mounts, and the users and the network if they are its own. Called between fork and exec.
    pub(super) fn hand_out(&self, own_users: bool, own_network: bool) -> io::Result<()> {
        let mounts = open(c"/proc/self/ns/mnt")?;
        let users = own_users.then(|| open(c"/proc/self/ns/user")).transpose()?;
        let network = own_network.then(|| open(c"/proc/self/ns/net")).transpose()?;
        let mounts = mounts.as_fd();
        match (&users, &network) {
            (None, None) => hand_out(&self.0, 0, &[mounts]),
            (Some(users), None) => hand_out(&self.0, USERS, &[mounts, users.as_fd()]),
            (None, Some(network)) => hand_out(&self.0, NETWORK, &[mounts, network.as_fd()]),
            (Some(users), Some(network)) => {
                hand_out(&self.0, USERS | NETWORK, &[mounts, users.as_fd(), network.as_fd()])
            }
        }
    }
}

fn open(path: &CStr) -> io::Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

impl InsideTaken {
    /// Takes what was handed out.
    pub(in crate::processes) fn take(self) -> io::Result<Namespaces> {
        let (kind, handed) = handed::take(&self.0)?;
        let mut handed = handed.into_iter();
        let mounts = handed.next();
        let users = (kind & USERS != 0).then(|| handed.next()).flatten();
        let network = (kind & NETWORK != 0).then(|| handed.next()).flatten();
        Ok(Namespaces { users, mounts, network })
    }
}

/// Mounts the overlay of a program again, as it is: with that the kernel forgets what it has looked up.
pub(in crate::processes) fn refresh(there: &Arc<Namespaces>, layer: &LayerMount) -> io::Result<()> {
    let remount = Remount::of(layer)?;
    let there = Arc::clone(there);
    attempt_in_child(move || {
        if let Some(users) = &there.users {
            move_into(users, LinkNameSpaceType::User)?;
        }
        if let Some(mounts) = &there.mounts {
            move_into(mounts, LinkNameSpaceType::Mount)?;
        }
        remount.make()
    })
}

/// The longest time that a connection within a machine takes, in milliseconds.
const CONNECTING: i64 = 2_000;

/// Connects to a port of the loopback of a program's network: a process enters it for that and hands the connection out.
pub(in crate::processes) fn connect(there: &Arc<Namespaces>, port: u16) -> io::Result<TcpStream> {
    let (inside, outside) = handed::pair()?;
    let there = Arc::clone(there);
    attempt_in_child(move || {
        // Without it this would be the loopback of the machine.
        let network = there.network.as_ref().ok_or(Errno::NODEV)?;
        if let Some(users) = &there.users {
            move_into(users, LinkNameSpaceType::User)?;
        }
        move_into(network, LinkNameSpaceType::Network)?;
        let v4 = connected(&SocketAddr::new(Ipv4Addr::LOCALHOST.into(), port));
        // Some servers listen where the name leads first.
        let stream =
            v4.or_else(|_| connected(&SocketAddr::new(Ipv6Addr::LOCALHOST.into(), port)))?;
        hand_out(&inside, b'c', &[stream.as_fd()])
    })?;
    let (_, handed) = handed::take(&outside)?;
    let stream = handed.into_iter().next();
    Ok(stream.ok_or_else(|| io::Error::other("no connection was handed out"))?.into())
}

/// Connects with system calls alone, and not for long.
fn connected(address: &SocketAddr) -> io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::STREAM, flags, None)?;
    match rustix::net::connect(&socket, address) {
        Ok(()) => return Ok(socket),
        Err(Errno::INPROGRESS) => {}
        Err(error) => return Err(error.into()),
    }
    let mut waits = [PollFd::new(&socket, PollFlags::OUT)];
    let patience = Timespec { tv_sec: CONNECTING / 1_000, tv_nsec: 0 };
    if poll(&mut waits, Some(&patience))? == 0 {
        return Err(Errno::TIMEDOUT.into());
    }
    rustix::net::sockopt::socket_error(&socket)??;
    Ok(socket)
}
