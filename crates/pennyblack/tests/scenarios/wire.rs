//! A raw connection to a listener, for octets that no decent client would send.

use crate::trial::Trial;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

/// How long a server may be silent before a test fails. Nothing waits this long in a run that passes.
const PATIENCE: Duration = Duration::from_secs(120);

trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

/// A client's end of a connection.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    received: Vec<u8>,
    silence: Silence,
}

/// What a server that says nothing for long is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Silence {
    /// A fault that ends the test.
    Fault,
    /// As good as gone: the test has stopped it, perhaps.
    End,
}

impl Wire {
    /// Connects without TLS and reads nothing yet.
    pub(crate) fn plain(trial: &Trial, listener: &str) -> Wire {
        Wire {
            stream: Box::new(tcp(trial, listener)),
            received: Vec::new(),
            silence: Silence::Fault,
        }
    }

    /// Connects to a port, unless nobody listens there (any more); a server that falls silent is as good as gone.
    pub(crate) fn connect(port: u16) -> Option<Wire> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        Some(Wire {
            stream: Box::new(patient(stream)),
            received: Vec::new(),
            silence: Silence::End,
        })
    }

    /// Connects, with TLS where the listener begins with it.
    pub(crate) fn open(trial: &Trial, listener: &str) -> Wire {
        match listener {
            "submissions" | "imaps" => Wire {
                stream: Box::new(tls(trial, tcp(trial, listener))),
                received: Vec::new(),
                silence: Silence::Fault,
            },
            _ => Wire::plain(trial, listener),
        }
    }

    /// Sends octets; a server that has hung up already is no fault here, reading will tell.
    pub(crate) fn send(&mut self, octets: &[u8]) {
        let _ = self.stream.write_all(octets);
        let _ = self.stream.flush();
    }

    /// The next line without its end, or `None` when the server has closed the connection.
    #[track_caller]
    pub(crate) fn line(&mut self) -> Option<String> {
        loop {
            if let Some(at) = self.received.iter().position(|&octet| octet == b'\n') {
                let line: Vec<u8> = self.received.drain(..=at).collect();
                return Some(String::from_utf8_lossy(&line).trim_end().to_string());
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer) {
                Ok(0) => return None,
                Ok(n) => self.received.extend_from_slice(&buffer[..n]),
                Err(e) if is_silence(&e) && self.silence == Silence::Fault => {
                    panic!("the server says nothing")
                }
                Err(_) => return None,
            }
        }
    }

    /// The last line of the next SMTP reply.
    #[track_caller]
    pub(crate) fn reply(&mut self) -> Option<String> {
        loop {
            let line = self.line()?;
            if line.as_bytes().get(3) != Some(&b'-') {
                return Some(line);
            }
        }
    }

    /// The line that ends the IMAP command with this tag (or with BAD to no tag at all).
    #[track_caller]
    pub(crate) fn tagged(&mut self, tag: &str) -> Option<String> {
        loop {
            let line = self.line()?;
            if line.starts_with(&format!("{tag} ")) || line.starts_with("* BAD") {
                return Some(line);
            }
        }
    }
}

fn is_silence(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

fn tcp(trial: &Trial, listener: &str) -> TcpStream {
    patient(TcpStream::connect(("127.0.0.1", trial.port(listener))).expect("a connection"))
}

fn patient(stream: TcpStream) -> TcpStream {
    stream
        .set_read_timeout(Some(PATIENCE))
        .expect("a time limit");
    stream
        .set_write_timeout(Some(PATIENCE))
        .expect("a time limit");
    stream
}

fn tls(trial: &Trial, stream: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
    let mut roots = RootCertStore::empty();
    let ca = CertificateDer::from_pem_file(trial.ca()).expect("the CA");
    roots.add(ca).expect("a CA certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("TLS 1.2 and 1.3")
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").expect("a name");
    let connection = ClientConnection::new(Arc::new(config), name).expect("a client");
    StreamOwned::new(connection, stream)
}
