//! Which ports a trial listens on.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};

/// Where the block of ports begins unless asked otherwise: SMTP is 1025, and so on.
const USUAL_BASE: u16 = 1000;
/// How many blocks are looked at, each 1000 above the one before.
const BLOCKS: u16 = 20;

/// The ports of a trial. Zero means any free port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ports {
    base: u16,
    /// The usual block was taken, so this is another one.
    moved: bool,
}

/// Why no block of ports can be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PortsError {
    /// The base does not leave room for the highest port.
    #[error("--port-base {0} is too high: the highest port of a trial is the base + 4190")]
    TooHigh(u16),
    /// Something listens on a port of the block that was asked for.
    #[error(
        "port {port} is taken; choose another block with --port-base, for instance --port-base {other}"
    )]
    Taken {
        /// The port in question.
        port: u16,
        /// A block that is free.
        other: u16,
    },
    /// All blocks are taken.
    #[error("ports are taken in each block from 1000 to 20000; choose one with --port-base")]
    NoneFree,
}

impl Ports {
    /// The block that begins at `asked`, or the first free one.
    pub(crate) fn choose(asked: Option<u16>) -> Result<Ports, PortsError> {
        match asked {
            Some(0) => Ok(Ports::at(0)),
            Some(base) if base.checked_add(MANAGESIEVE).is_none() => Err(PortsError::TooHigh(base)),
            Some(base) => match Ports::at(base).taken() {
                None => Ok(Ports::at(base)),
                Some(port) => Err(PortsError::Taken {
                    port,
                    other: Ports::first_free()?.base,
                }),
            },
            None => Ports::first_free(),
        }
    }

    fn at(base: u16) -> Ports {
        Ports { base, moved: false }
    }

    fn first_free() -> Result<Ports, PortsError> {
        let blocks = (1..=BLOCKS).map(|n| Ports {
            base: n * USUAL_BASE,
            moved: n > 1,
        });
        blocks
            .into_iter()
            .find(|ports| ports.taken().is_none())
            .ok_or(PortsError::NoneFree)
    }

    /// Is this not the usual block, though nobody asked for another?
    pub(crate) fn moved(self) -> bool {
        self.moved
    }

    /// The first port of the block that something listens on.
    fn taken(self) -> Option<u16> {
        let offsets = [
            SMTP,
            DNS,
            IMAP,
            SUBMISSIONS,
            SUBMISSION,
            IMAPS,
            LMTP,
            MANAGESIEVE,
        ];
        let free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        offsets
            .iter()
            .map(|offset| self.base + offset)
            .find(|port| !free(port))
    }

    /// Where the listener with this offset is bound. IPv6 is left out where the machine has none, and where any port will do
    /// (the two families would get different ones).
    pub(crate) fn addresses(self, offset: u16) -> Vec<SocketAddr> {
        let port = if self.base == 0 {
            0
        } else {
            self.base + offset
        };
        let four = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let six = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        if port != 0 && TcpListener::bind(six).is_ok() {
            vec![four, six]
        } else {
            vec![four]
        }
    }

    /// The name server's port; `None`: any.
    pub(crate) fn dns(self) -> Option<u16> {
        (self.base != 0).then(|| self.base + DNS)
    }
}

/// Mail from other servers: 1025.
pub(crate) const SMTP: u16 = 25;
/// The pretend Internet's name server: 1053.
pub(crate) const DNS: u16 = 53;
/// IMAP: 1143.
pub(crate) const IMAP: u16 = 143;
/// Submission over TLS: 1465.
pub(crate) const SUBMISSIONS: u16 = 465;
/// Submission: 1587.
pub(crate) const SUBMISSION: u16 = 587;
/// IMAP over TLS: 1993.
pub(crate) const IMAPS: u16 = 993;
/// LMTP: 2424.
pub(crate) const LMTP: u16 = 1424;
/// ManageSieve: 5190.
pub(crate) const MANAGESIEVE: u16 = 4190;

#[cfg(test)]
mod tests {
    use super::*;

    /// V17 (b): a taken block is passed over, or named if it was asked for.
    #[test]
    fn v17_a_taken_port_is_seen() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let base = listener.local_addr().unwrap().port() - SMTP;
        let port = base + SMTP;
        match Ports::choose(Some(base)) {
            Err(PortsError::Taken { port: named, .. }) => assert_eq!(named, port),
            // The block may not fit below 65536; then that is what is said.
            Err(PortsError::TooHigh(named)) => assert_eq!(named, base),
            other => panic!("{other:?}"),
        }
    }

    /// Whoever asks for a block is not told that the usual one is taken.
    #[test]
    fn v17_a_block_that_was_asked_for_is_not_moved_to() {
        for base in (41_000..60_000).step_by(1000) {
            if let Ok(ports) = Ports::choose(Some(base)) {
                return assert!(!ports.moved());
            }
        }
        panic!("no block is free");
    }

    #[test]
    fn zero_means_any_port() {
        let ports = Ports::choose(Some(0)).unwrap();
        assert_eq!(
            ports.addresses(SMTP),
            [SocketAddr::from(([127, 0, 0, 1], 0))]
        );
        assert_eq!(ports.dns(), None);
    }
}
