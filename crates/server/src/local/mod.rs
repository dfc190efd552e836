//! Mail from programs on this machine: what `sendmail` does (A22, X14–X17).
//!
//! ```text
//! options    the command line                          hand_over  to the running server, over its socket
//! input      the message on standard input             spool      into a folder, while no server runs
//! letter     sender and recipients                     failure    how the program ends
//! ```
//!
//! The server's end of the socket is a listener like others (`listen/smtp`, with [`crate::journey::Road::Local`]); what waits in the
//! folder is fetched by `jobs/pickup.rs`. Who sends is said by the system in both cases, never by the message.

pub mod failure;
pub mod hand_over;
pub mod input;
pub mod letter;
pub mod options;
pub mod spool;

use failure::{Exit, Failure};
use hand_over::{Missed, Server};
use input::Input;
use letter::{Caller, Letter};
use options::Options;
use std::io::BufRead;
use std::path::Path;

/// What became of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The server has it, and calls it so.
    Accepted(String),
    /// It waits for the server, which could not take it now.
    Kept(String),
}

/// Sends the message on `from`: to the server on `socket`, or into `spool` if it cannot take it now.
pub fn send<R: BufRead>(
    options: &Options,
    from: R,
    socket: Option<&Path>,
    spool: Option<&Path>,
) -> Result<Sent, Failure> {
    let caller = Caller::me();
    let mut input = Input::new(from, options.dot);
    let head = input.head()?;
    let letter = Letter::new(options, &head, &caller)?;
    let begin = |letter: &Letter| {
        let from = letter.from_field(options, &head, &caller);
        [
            from.unwrap_or_default().as_bytes(),
            &head.section,
            b"\r\n",
            &head.body,
        ]
        .concat()
    };
    let called = match socket {
        Some(socket) => Server::call(socket, options.dialogue),
        None => Err(Missed::NotNow("listen.local.socket is off".into())),
    };
    let offered = called.and_then(|mut server| {
        let letter = letter.clone().qualified(server.hostname());
        server.envelope(&letter).map(|()| (server, letter))
    });
    match (offered, spool) {
        (Ok((server, letter)), _) => server.message(&begin(&letter), input).map(Sent::Accepted),
        (Err(Missed::Failed(failure)), _) => Err(failure),
        (Err(Missed::NotNow(why)), Some(spool)) if spool.is_dir() => {
            spool::keep(spool, &letter, &begin(&letter), input).map(|()| Sent::Kept(why))
        }
        (Err(Missed::NotNow(why)), _) => Err(Failure::new(Exit::TempFail, why)),
    }
}
