use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, Type};

/// Properties of the listening socket, which every accepted connection inherits.
#[derive(Clone, Copy, Debug)]
pub struct ListenSettings {
    /// What the kernel buffers for a client that doesn't read, in bytes. Without a bound it
    /// grows to megabytes for each such client.
    pub send_buffer: usize,
    /// How long sent data may stay unacknowledged before the connection is given up.
    pub user_timeout: Duration,
    /// Connections that wait to be accepted.
    pub backlog: i32,
}

impl Default for ListenSettings {
    fn default() -> Self {
        Self {
            send_buffer: 96 * 1024,
            user_timeout: Duration::from_secs(30),
            backlog: 2_048,
        }
    }
}

/// Opens the port. The socket does not delay small segments: with Nagle's algorithm the first
/// event of a stream waits some 40 ms for the client's delayed acknowledgement.
pub fn listen(address: SocketAddr, settings: ListenSettings) -> io::Result<TcpListener> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.set_send_buffer_size(settings.send_buffer)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(settings.user_timeout))?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(settings.backlog)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::net::TcpStream;

    use super::*;

    #[test]
    fn accepted_connections_inherit_the_options() {
        let listener = listen("127.0.0.1:0".parse().unwrap(), ListenSettings::default()).unwrap();
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"x").unwrap();
        listener.set_nonblocking(false).unwrap();
        let accepted = Socket::from(listener.accept().unwrap().0);
        assert!(accepted.tcp_nodelay().unwrap());
        // The kernel doubles what is asked for, to have room for its own bookkeeping.
        assert!(accepted.send_buffer_size().unwrap() <= 2 * ListenSettings::default().send_buffer);
        #[cfg(target_os = "linux")]
        assert_eq!(
            accepted.tcp_user_timeout().unwrap(),
            Some(Duration::from_secs(30))
        );
    }
}
