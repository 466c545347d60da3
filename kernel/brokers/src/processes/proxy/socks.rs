//! SOCKS, version 5 (RFC 1928): one command, and hosts by name.

use super::asked::Place;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// The first byte of everything that is said.
pub(super) const VERSION: u8 = 5;
/// The reply to what is not allowed.
pub(super) const FORBIDDEN: u8 = 2;
/// The reply where the host does not answer.
pub(super) const UNREACHABLE: u8 = 4;
const NO_SUCH_COMMAND: u8 = 7;
const NO_SUCH_ADDRESS: u8 = 8;

/// Reads where a connection is to lead. The inner error is the reply to what is no such wish.
///
/// # Errors
///
/// The program does not speak SOCKS, or hung up.
pub(super) async fn request<S: AsyncRead + AsyncWrite + Unpin>(
    client: &mut S,
) -> io::Result<Result<Place, u8>> {
    let broken = || io::Error::other("that is not SOCKS 5");
    let [version, count] = take(client).await?;
    let mut methods = vec![0; usize::from(count)];
    client.read_exact(&mut methods).await?;
    if version != VERSION || !methods.contains(&0) {
        client.write_all(&[VERSION, 0xff]).await?;
        return Err(broken());
    }
    client.write_all(&[VERSION, 0]).await?;
    let [version, command, _, kind] = take(client).await?;
    if version != VERSION {
        return Err(broken());
    }
    let host = match kind {
        1 => Ipv4Addr::from(take::<4, _>(client).await?).to_string(),
        4 => format!("[{}]", Ipv6Addr::from(take::<16, _>(client).await?)),
        3 => {
            let [length] = take(client).await?;
            let mut name = vec![0; usize::from(length)];
            client.read_exact(&mut name).await?;
            String::from_utf8(name).unwrap_or_default()
        }
        _ => return Ok(Err(NO_SUCH_ADDRESS)),
    };
    let port = u16::from_be_bytes(take(client).await?);
    if command != 1 {
        return Ok(Err(NO_SUCH_COMMAND));
    }
    Ok(Place::of(&host, port).ok_or(NO_SUCH_ADDRESS))
}

async fn take<const N: usize, S: AsyncRead + Unpin>(client: &mut S) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    client.read_exact(&mut bytes).await?;
    Ok(bytes)
}

/// Says that the connection is there.
pub(super) async fn admit(client: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
    client.write_all(&replied(0)).await
}

/// Says why it is not, and ends.
pub(super) async fn refuse(client: &mut (impl AsyncWrite + Unpin), reply: u8) -> io::Result<()> {
    client.write_all(&replied(reply)).await?;
    client.shutdown().await
}

/// Returns a reply. The address in it is nobody's business.
fn replied(reply: u8) -> [u8; 10] {
    [VERSION, reply, 0, 1, 0, 0, 0, 0, 0, 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns what is made of these bytes, and what was said back.
    async fn asked(bytes: &[u8]) -> (io::Result<Result<Place, u8>>, Vec<u8>) {
        let (mut program, mut proxy) = tokio::io::duplex(1024);
        program.write_all(bytes).await.unwrap();
        program.shutdown().await.unwrap();
        let asked = request(&mut proxy).await;
        drop(proxy);
        let mut said = Vec::new();
        program.read_to_end(&mut said).await.unwrap();
        (asked, said)
    }

    #[tokio::test]
    async fn a_host_is_named_or_spelt_as_an_address() {
        let place = |host: &str, port| Place { host: host.to_owned(), port };
        for (wish, expected) in [
            (&b"\x05\x01\x00\x03\x07Docs.rs\x01\xbb"[..], Ok(place("docs.rs", 443))),
            (b"\x05\x01\x00\x01\x7f\0\0\x01\0\x50", Ok(place("127.0.0.1", 80))),
            (b"\x05\x01\x00\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x01\0\x50", Ok(place("::1", 80))),
            (b"\x05\x02\x00\x03\x07docs.rs\x01\xbb", Err(NO_SUCH_COMMAND)),
            (b"\x05\x03\x00\x03\x07docs.rs\x01\xbb", Err(NO_SUCH_COMMAND)),
            (b"\x05\x01\x00\x03\x03a b\x01\xbb", Err(NO_SUCH_ADDRESS)),
            (b"\x05\x01\x00\x03\x00\x01\xbb", Err(NO_SUCH_ADDRESS)),
            (b"\x05\x01\x00\x09\x07docs.rs\x01\xbb", Err(NO_SUCH_ADDRESS)),
        ] {
            let (found, said) = asked(&[&b"\x05\x02\x02\x00"[..], wish].concat()).await;
            assert_eq!((found.unwrap(), &said[..]), (expected, &[5, 0][..]), "{wish:?}");
        }
    }

    #[tokio::test]
    async fn what_is_not_socks_or_wants_a_password_is_ended() {
        for bytes in [
            &b"\x05\x01\x02"[..],
            b"\x05\x00",
            b"\x04\x01\x00",
            b"\x05\x01\x00\x05\x01",
            b"\x05",
            b"",
        ] {
            assert!(asked(bytes).await.0.is_err(), "{bytes:?}");
        }
    }
}
