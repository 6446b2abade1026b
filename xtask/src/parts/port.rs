//! Ports of this machine, and whether somebody answers there.

use anyhow::{Context, Result};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

/// A port of 127.0.0.1 that was free a moment ago.
pub(crate) fn free() -> Result<u16> {
    let listener =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("can't open a port of 127.0.0.1")?;
    Ok(listener
        .local_addr()
        .context("a port has no address")?
        .port())
}

/// Whether `GET path` on this port of 127.0.0.1 is answered with 200.
pub(crate) fn answers(port: u16, path: &str) -> bool {
    request(port, path).is_ok_and(|head| head.starts_with(b"HTTP/1.1 200"))
}

fn request(port: u16, path: &str) -> std::io::Result<Vec<u8>> {
    let limit = Duration::from_millis(500);
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    stream.set_read_timeout(Some(limit))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    )?;
    let mut head = vec![0; 12];
    stream.read_exact(&mut head)?;
    Ok(head)
}
