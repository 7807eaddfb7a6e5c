//! Listening sockets: one a worker on the same port, by SO_REUSEPORT, so that the kernel spreads connections and no
//! worker wakes for another's.
//!
//! SO_REUSEPORT would also let a second copy of the program take half of the connections without a word. So a fixed port is
//! first bound without it, which fails if anybody has the port.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use socket2::{Domain, Protocol, Socket, TcpKeepalive, Type};

/// Connections that wait to be accepted; the kernel caps it at `net.core.somaxconn`.
const BACKLOG: i32 = 4096;
/// When a silent connection is probed; a client that vanished from a long WebSocket is found so.
const KEEPALIVE: Duration = Duration::from_secs(60);

/// Binds `count` listeners to one port.
pub(crate) fn listeners(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    if count <= 1 {
        return Ok(vec![open(address, Sharing::Alone)?]);
    }
    if address.port() != 0 {
        drop(open(address, Sharing::Alone)?);
    }
    let first = open(address, Sharing::Port)?;
    let address = first.local_addr()?;
    let mut listeners = vec![first];
    for _ in 1..count {
        listeners.push(open(address, Sharing::Port)?);
    }
    Ok(listeners)
}

/// Whether other sockets of this user may listen on the same port.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sharing {
    Alone,
    Port,
}

fn open(address: SocketAddr, sharing: Sharing) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if sharing == Sharing::Port {
        socket.set_reuse_port(true)?;
    }
    // accepted sockets inherit it
    socket.set_tcp_keepalive(&TcpKeepalive::new().with_time(KEEPALIVE))?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_share_a_port_that_nobody_else_can_take() {
        let any = SocketAddr::from(([127, 0, 0, 1], 0));
        let ours = listeners(any, 3).unwrap();
        let address = ours[0].local_addr().unwrap();
        assert!(ours.iter().all(|l| l.local_addr().unwrap() == address));
        assert!(listeners(address, 3).is_err());
    }
}
