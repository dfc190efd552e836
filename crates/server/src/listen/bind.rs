//! Opens the listening sockets, and says what to do where that fails.

use super::Kind;
use crate::config::Config;
use rustix::io::Errno;
use std::fmt;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// Connections the system holds for us before we accept them.
const BACKLOG: i32 = 1024;

/// A listening socket.
pub(crate) struct Socket {
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    pub(crate) ear: Ear,
}

/// What connections arrive at.
pub(crate) enum Ear {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// Where a socket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Address(SocketAddr),
    Path(PathBuf),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Address(address) => address.fmt(f),
            Place::Path(path) => path.display().fmt(f),
        }
    }
}

/// Opens all configured sockets, or says of each that could not be opened why not.
pub(crate) fn bind(config: &Config) -> Result<Vec<Socket>, Vec<String>> {
    let (mut sockets, mut failures) = (Vec::new(), Vec::new());
    for kind in Kind::ALL {
        for address in &kind.settings(config).addresses {
            match open(kind, *address) {
                Ok(socket) => sockets.push(socket),
                Err(why) if no_ipv6(*address, &why) => tracing::info!(
                    listener = kind.name(),
                    "no IPv6 on this machine: listening on IPv4 alone"
                ),
                Err(why) => failures.push(explain(kind, *address, &why)),
            }
        }
        if let Some(path) = &kind.settings(config).socket {
            match open_path(kind, path) {
                Ok(socket) => sockets.push(socket),
                Err(why) => failures.push(format!(
                    "cannot listen on {} (listen.{kind}.socket): {why}; an empty path turns that off",
                    path.display()
                )),
            }
        }
    }
    if failures.is_empty() {
        Ok(sockets)
    } else {
        Err(failures)
    }
}

fn open(kind: Kind, address: SocketAddr) -> io::Result<Socket> {
    let socket = socket2::Socket::new(
        socket2::Domain::for_address(address),
        socket2::Type::STREAM,
        None,
    )?;
    if address.is_ipv6() {
        // IPv4 has a socket of its own, so that no client appears as an IPv4-mapped IPv6 address.
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    let listener = TcpListener::from(socket);
    Ok(Socket {
        kind,
        place: Place::Address(listener.local_addr()?),
        ear: Ear::Tcp(listener),
    })
}

/// Makes a Unix socket. One that nobody listens on is left from a crash and goes; the lock of the data directory is ours.
fn open_path(kind: Kind, path: &Path) -> io::Result<Socket> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
        let own = fs::metadata(folder)?.permissions().mode();
        // A folder that umask has closed, and in which only this socket is: programs must come to it.
        if kind == Kind::Local && folder == Path::new("/run/pennyblack") && own & 0o055 != 0o055 {
            fs::set_permissions(folder, fs::Permissions::from_mode(own | 0o055))?;
        }
    }
    if is_left_over(path)? {
        fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    listener.set_nonblocking(true)?;
    let mode = match kind {
        Kind::Local => 0o666,
        _ => 0o660,
    };
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(Socket {
        kind,
        place: Place::Path(path.into()),
        ear: Ear::Unix(listener),
    })
}

fn is_left_over(path: &Path) -> io::Result<bool> {
    let facts = match fs::symlink_metadata(path) {
        Ok(facts) => facts,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(why) => return Err(why),
    };
    let refused = |why: &io::Error| why.kind() == io::ErrorKind::ConnectionRefused;
    Ok(facts.file_type().is_socket() && UnixStream::connect(path).is_err_and(|why| refused(&why)))
}

/// A wildcard that the machine has no protocol for is not an error: the IPv4 wildcard stands beside it.
fn no_ipv6(address: SocketAddr, why: &io::Error) -> bool {
    let missing = [Errno::AFNOSUPPORT, Errno::ADDRNOTAVAIL];
    address.is_ipv6()
        && address.ip().is_unspecified()
        && Errno::from_io_error(why).is_some_and(|errno| missing.contains(&errno))
}

fn explain(kind: Kind, address: SocketAddr, why: &io::Error) -> String {
    let port = address.port();
    let advice = match Errno::from_io_error(why) {
        Some(Errno::ACCESS) => format!("port {port} needs root or CAP_NET_BIND_SERVICE"),
        Some(Errno::ADDRINUSE) => format!(
            "port {port} is in use; `ss -ltnp 'sport = :{port}'` shows by which program: stop that one"
        ),
        Some(Errno::ADDRNOTAVAIL) => "this machine does not have that address".to_owned(),
        _ => why.to_string(),
    };
    format!("cannot listen on {address} (listen.{kind}): {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config(smtp: &[SocketAddr]) -> Config {
        let mut config =
            Config::with_defaults("mx1.example.com", "example.com", Path::new("/nonexistent"));
        config.listen = Default::default();
        config.listen.smtp.addresses = smtp.to_vec();
        config
    }

    #[test]
    fn each_port_that_cannot_be_had_is_named() {
        let taken = TcpListener::bind("127.0.0.1:0")
            .expect("bound")
            .local_addr()
            .expect("address");
        let other = TcpListener::bind("127.0.0.1:0").expect("bound");
        let busy = other.local_addr().expect("address");
        let keep = TcpListener::bind(taken);
        let failures = bind(&config(&[busy, "192.0.2.1:25".parse().expect("address")]))
            .err()
            .expect("refused");
        drop(keep);
        assert_eq!(failures.len(), 2);
        assert!(
            failures[0].contains(&format!("port {} is in use", busy.port())),
            "{failures:?}"
        );
        assert!(
            failures[1].contains("does not have that address"),
            "{failures:?}"
        );
    }

    #[test]
    fn port_zero_becomes_a_free_port() {
        let sockets = bind(&config(&["127.0.0.1:0".parse().expect("address")])).unwrap_or_default();
        assert_eq!(sockets.len(), 1);
        assert!(
            matches!(sockets[0].place, Place::Address(address) if address.port() != 0),
            "{}",
            sockets[0].place
        );
    }
}
