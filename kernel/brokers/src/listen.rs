//! The one place where this machine's programs may come in: a listener, and who is at the other end.

use std::{io, net::SocketAddr};

use tokio::net::TcpListener;

/// Begins to listen.
///
/// # Errors
///
/// When the address is taken, or is not this machine's.
pub async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    TcpListener::bind(address).await
}

/// Returns true if the other end of a connection is a program of this user on this machine. Where the system does not tell
/// whose it is, it is nobody's.
#[must_use]
pub fn is_own(peer: SocketAddr, here: SocketAddr) -> bool {
    peer.ip().to_canonical().is_loopback()
        && owner(peer, here) == Some(rustix::process::geteuid().as_raw())
}

/// Returns the user of the socket at the other end, from the system's table of connections.
#[cfg(target_os = "linux")]
fn owner(peer: SocketAddr, here: SocketAddr) -> Option<u32> {
    let table = if peer.is_ipv4() { "/proc/self/net/tcp" } else { "/proc/self/net/tcp6" };
    let text = std::fs::read_to_string(table).ok()?;
    user_of(&text, &hex(peer), &hex(here))
}

#[cfg(not(target_os = "linux"))]
fn owner(_: SocketAddr, _: SocketAddr) -> Option<u32> {
    None
}

/// Finds the line of the socket that is at `local` and connected to `remote`. A socket that was closed is nobody's: its line
/// says user 0, whoever had it.
#[cfg(any(target_os = "linux", test))]
fn user_of(table: &str, local: &str, remote: &str) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let mut fields = line.split_ascii_whitespace().skip(1);
        let is_it = fields.next()? == local && fields.next()? == remote;
        let is_open = fields.next()? == "01";
        let user = fields.nth(3)?;
        (is_it && is_open).then(|| user.parse().ok())?
    })
}

/// Writes an address as the system's table does: groups of four bytes in the order of the machine.
#[cfg(target_os = "linux")]
fn hex(address: SocketAddr) -> String {
    let bytes = match address.ip() {
        std::net::IpAddr::V4(ip) => ip.octets().to_vec(),
        std::net::IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    let groups = bytes.chunks_exact(4).map(|group| {
        let number = u32::from_ne_bytes([group[0], group[1], group[2], group[3]]);
        format!("{number:08X}")
    });
    format!("{}:{:04X}", groups.collect::<String>(), address.port())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:260E 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 100 1
   1: 0100007F:D431 0100007F:260E 01 00000000:00000000 00:00000000 00000000  1000        0 101 1
   2: 0100007F:D432 0100007F:260E 06 00000000:00000000 00:00000000 00000000     0        0 0 3
";

    #[test]
    fn the_user_of_a_connection_is_found_and_a_closed_one_has_none() {
        let find = |port| user_of(TABLE, port, "0100007F:260E");

        assert_eq!(find("0100007F:D431"), Some(1000));
        assert_eq!(find("0100007F:D432"), None);
        assert_eq!(find("0100007F:D433"), None);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn a_program_of_this_user_is_known_as_such() {
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let here = listener.local_addr().unwrap();
        let _client = tokio::net::TcpStream::connect(here).await.unwrap();
        let (_stream, peer) = listener.accept().await.unwrap();

        assert!(is_own(peer, here));
        assert!(!is_own("192.0.2.1:80".parse().unwrap(), here));
    }
}
