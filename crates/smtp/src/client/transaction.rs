//! One mail transaction: MAIL, RCPT…, then DATA (RFC 5321 §3.3) or BDAT (RFC 3030), with PIPELINING (RFC 2920) where offered.
//!
//! MAIL and all RCPT travel together; DATA waits for their replies, so that a message is never sent to nobody. BDAT pieces wait
//! for each other's replies unless the server pipelines.

use super::Protocol;
use super::body::{DotStuffing, LineEnds};
use super::capabilities::Capabilities;
use super::envelope::Envelope;
use super::failure::{Command, Failure, Incompatible, Misbehaved};
use crate::Reply;
use std::collections::VecDeque;

/// Commands without a reply, at most: more could fill both directions of the connection, and both sides would wait for ever.
const IN_FLIGHT: usize = 50;
/// Octets of a BDAT piece, about.
const CHUNK: usize = 64 * 1024;

type Outcome = Result<Reply, Failure>;

/// What the session does after a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It is ready for another.
    Ready,
    /// It needs RSET.
    Reset,
    /// It has to end.
    Close,
}

/// A finished transaction.
pub(super) struct End {
    pub(super) outcome: Vec<Outcome>,
    pub(super) session: After,
}

/// What an awaited reply is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Awaited {
    Mail,
    /// The recipient of this index.
    Rcpt(usize),
    Data,
    /// A BDAT that is not the last.
    Chunk,
    /// The end of the message; in LMTP for the recipient of this index.
    Final(Option<usize>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Envelope,
    Data,
    Body,
    Final,
}

/// How the octets are written.
enum Writing {
    Data(DotStuffing),
    /// Octets of the piece that is being filled.
    Bdat(Vec<u8>),
}

/// A running transaction.
pub(super) struct Transaction {
    protocol: Protocol,
    step: Step,
    /// Commands to send: MAIL first, then RCPT in order.
    unsent: VecDeque<(Awaited, String)>,
    awaited: VecDeque<Awaited>,
    window: usize,
    line_ends: LineEnds,
    writing: Writing,
    /// `Some(Ok)` for an accepted recipient that waits for the end of the message, `Some(Err)` for a failed one.
    results: Vec<Option<Outcome>>,
    /// The server is about to hang up (421), or has lost its way.
    close: bool,
    failed_body: bool,
}

impl Transaction {
    /// Prepares the commands; an outcome if the message cannot go to this server at all.
    pub(super) fn begin(
        envelope: Envelope,
        offered: &Capabilities,
        protocol: Protocol,
    ) -> Result<Transaction, Vec<Outcome>> {
        let all = |what| vec![Err(Failure::Incompatible(what)); envelope.recipients.len()];
        if let Some(what) = envelope.incompatible(offered) {
            return Err(all(what));
        }
        let mail = envelope.mail(offered).map_err(all)?;
        let (commands, results) = recipients(&envelope, offered);
        if commands.is_empty() {
            return Err(all(Incompatible::Address));
        }
        let mut unsent = VecDeque::from([(Awaited::Mail, mail)]);
        unsent.extend(commands);
        Ok(Transaction {
            protocol,
            step: Step::Envelope,
            unsent,
            awaited: VecDeque::new(),
            window: if offered.pipelining { IN_FLIGHT } else { 1 },
            line_ends: LineEnds::default(),
            writing: match offered.chunking {
                true => Writing::Bdat(Vec::new()),
                false => Writing::Data(DotStuffing::default()),
            },
            results,
            close: false,
            failed_body: false,
        })
    }

    /// May the next octets of the message come?
    pub(super) fn wants_body(&self) -> bool {
        self.step == Step::Body && self.awaited.len() < self.window
    }

    /// What is awaited now.
    pub(super) fn waiting_for(&self) -> Command {
        match self.awaited.front() {
            Some(Awaited::Mail) | None if self.step == Step::Envelope => Command::Mail,
            Some(Awaited::Rcpt(_)) => Command::Rcpt,
            Some(Awaited::Final(_)) => Command::Body,
            _ => Command::Data,
        }
    }

    /// Sends what may be sent now.
    pub(super) fn advance(&mut self, output: &mut Vec<u8>) {
        if self.step == Step::Envelope {
            self.send_envelope(output);
            if self.awaited.is_empty() && self.unsent.is_empty() && self.anybody_waits() {
                self.begin_body(output);
            }
        }
    }

    fn send_envelope(&mut self, output: &mut Vec<u8>) {
        while self.awaited.len() < self.window {
            let Some((awaited, line)) = self.unsent.pop_front() else {
                return;
            };
            push_line(output, &line);
            self.awaited.push_back(awaited);
        }
    }

    fn begin_body(&mut self, output: &mut Vec<u8>) {
        match self.writing {
            Writing::Bdat(_) => self.step = Step::Body,
            Writing::Data(_) => {
                self.step = Step::Data;
                push_line(output, "DATA");
                self.awaited.push_back(Awaited::Data);
            }
        }
    }

    /// Is there a recipient who was accepted and whose fate is open?
    fn anybody_waits(&self) -> bool {
        !self.close
            && self
                .results
                .iter()
                .any(|result| matches!(result, Some(Ok(_))))
    }

    /// Takes a reply.
    pub(super) fn reply(&mut self, reply: Reply) {
        let Some(awaited) = self.awaited.pop_front() else {
            return self.lose_way(Misbehaved::Unasked);
        };
        if reply.code == 421 {
            return self.shut_down(awaited, reply);
        }
        match awaited {
            Awaited::Mail => self.mail_reply(reply),
            Awaited::Rcpt(index) => self.rcpt_reply(index, reply),
            Awaited::Data => self.data_reply(reply),
            Awaited::Chunk => self.chunk_reply(reply),
            Awaited::Final(None) => self.final_reply(reply),
            Awaited::Final(Some(index)) => self.lmtp_reply(index, reply),
        }
    }

    fn mail_reply(&mut self, reply: Reply) {
        if !reply.is_positive() {
            self.unsent.clear();
            self.fail_open(&refused(Command::Mail, reply));
        }
    }

    fn rcpt_reply(&mut self, index: usize, reply: Reply) {
        // After a refused MAIL the reply to RCPT says nothing new.
        if self.results[index].is_none() {
            self.results[index] = Some(match reply.is_positive() {
                true => Ok(reply),
                false => Err(refused(Command::Rcpt, reply)),
            });
        }
    }

    fn data_reply(&mut self, reply: Reply) {
        match reply.code {
            354 => self.step = Step::Body,
            _ => self.refuse_all(refused(Command::Data, reply)),
        }
    }

    fn chunk_reply(&mut self, reply: Reply) {
        if !reply.is_positive() {
            self.failed_body = true;
            self.step = Step::Final;
            self.fail_open(&refused(Command::Body, reply));
        }
    }

    fn final_reply(&mut self, reply: Reply) {
        match reply.is_positive() {
            true => {
                for result in self.results.iter_mut().flatten().filter(|r| r.is_ok()) {
                    *result = Ok(reply.clone());
                }
            }
            false => self.refuse_all(refused(Command::Body, reply)),
        }
    }

    fn lmtp_reply(&mut self, index: usize, reply: Reply) {
        self.results[index] = Some(match reply.is_positive() {
            true => Ok(reply),
            false => Err(refused(Command::Body, reply)),
        });
    }

    /// RFC 5321 §3.8: 421 ends the session; who was already done stays done.
    fn shut_down(&mut self, awaited: Awaited, reply: Reply) {
        let command = match awaited {
            Awaited::Mail => Command::Mail,
            Awaited::Rcpt(_) => Command::Rcpt,
            Awaited::Data => Command::Data,
            Awaited::Chunk | Awaited::Final(_) => Command::Body,
        };
        self.end_with(Some(awaited), &Failure::Refused(command, reply));
    }

    fn lose_way(&mut self, fault: Misbehaved) {
        self.end_with(None, &Failure::Misbehaved(fault));
    }

    /// Fails everybody whose fate is open, and the session.
    fn end_with(&mut self, current: Option<Awaited>, failure: &Failure) {
        match current {
            Some(Awaited::Final(Some(_))) => {
                let open = current.into_iter().chain(self.awaited.drain(..));
                for index in open.filter_map(|awaited| match awaited {
                    Awaited::Final(index) => index,
                    _ => None,
                }) {
                    self.results[index] = Some(Err(failure.clone()));
                }
            }
            _ => self.fail_open(failure),
        }
        self.awaited.clear();
        self.unsent.clear();
        self.close = true;
    }

    /// A refusal of the whole message at or after DATA.
    fn refuse_all(&mut self, failure: Failure) {
        self.fail_open(&failure);
        self.close |= matches!(failure, Failure::Misbehaved(_));
    }

    /// Fails everybody who has not failed yet.
    fn fail_open(&mut self, failure: &Failure) {
        for result in &mut self.results {
            if !matches!(result, Some(Err(_))) {
                *result = Some(Err(failure.clone()));
            }
        }
    }

    /// Writes octets of the message.
    pub(super) fn body(&mut self, octets: &[u8], output: &mut Vec<u8>) {
        if self.step != Step::Body {
            return;
        }
        match &mut self.writing {
            Writing::Bdat(piece) => self.line_ends.normalise(octets, piece),
            Writing::Data(stuffing) => {
                let mut text = Vec::new();
                self.line_ends.normalise(octets, &mut text);
                stuffing.stuff(&text, output);
            }
        }
        if let Writing::Bdat(piece) = &mut self.writing
            && piece.len() >= CHUNK
        {
            let piece = std::mem::take(piece);
            push_line(output, &format!("BDAT {}", piece.len()));
            output.extend_from_slice(&piece);
            self.awaited.push_back(Awaited::Chunk);
        }
    }

    /// Writes the end of the message.
    pub(super) fn end_of_body(&mut self, output: &mut Vec<u8>) {
        if self.step != Step::Body {
            return;
        }
        match &mut self.writing {
            Writing::Bdat(piece) => {
                self.line_ends.finish(piece);
                push_line(output, &format!("BDAT {} LAST", piece.len()));
                output.append(piece);
            }
            Writing::Data(stuffing) => {
                let mut text = Vec::new();
                self.line_ends.finish(&mut text);
                stuffing.stuff(&text, output);
                output.extend_from_slice(b".\r\n");
            }
        }
        self.step = Step::Final;
        self.await_final();
    }

    fn await_final(&mut self) {
        if self.protocol == Protocol::Smtp {
            return self.awaited.push_back(Awaited::Final(None));
        }
        for (index, result) in self.results.iter().enumerate() {
            if matches!(result, Some(Ok(_))) {
                self.awaited.push_back(Awaited::Final(Some(index)));
            }
        }
    }

    /// The outcome, once nothing is awaited any more.
    pub(super) fn end(&mut self) -> Option<End> {
        let running = !self.awaited.is_empty() || !self.unsent.is_empty();
        let body_to_come = matches!(self.step, Step::Body | Step::Data) && self.anybody_waits();
        if !self.close && (running || body_to_come) {
            return None;
        }
        let session = match () {
            () if self.close => After::Close,
            () if self.step == Step::Final && !self.failed_body => After::Ready,
            () => After::Reset,
        };
        Some(End {
            outcome: self.take_results(&Failure::Misbehaved(Misbehaved::Unasked)),
            session,
        })
    }

    /// The outcome when the connection ends or the server cannot be understood any more.
    pub(super) fn abort(mut self, failure: &Failure) -> Vec<Outcome> {
        let current = self.awaited.pop_front();
        self.end_with(current, failure);
        self.take_results(failure)
    }

    fn take_results(&mut self, missing: &Failure) -> Vec<Outcome> {
        let results = std::mem::take(&mut self.results);
        results
            .into_iter()
            .map(|result| result.unwrap_or_else(|| Err(missing.clone())))
            .collect()
    }
}

/// The RCPT commands, and a result for each recipient whose address cannot be sent.
fn recipients(
    envelope: &Envelope,
    offered: &Capabilities,
) -> (Vec<(Awaited, String)>, Vec<Option<Outcome>>) {
    let mut commands = Vec::with_capacity(envelope.recipients.len());
    let mut results = Vec::with_capacity(envelope.recipients.len());
    for (index, recipient) in envelope.recipients.iter().enumerate() {
        match recipient.rcpt(offered) {
            Ok(line) => {
                commands.push((Awaited::Rcpt(index), line));
                results.push(None);
            }
            Err(what) => results.push(Some(Err(Failure::Incompatible(what)))),
        }
    }
    (commands, results)
}

/// A refusal has a 4xx or 5xx code; anything else in its place is nonsense.
fn refused(command: Command, reply: Reply) -> Failure {
    match reply.code {
        400..600 => Failure::Refused(command, reply),
        _ => Failure::Misbehaved(Misbehaved::UnfitCode),
    }
}

fn push_line(output: &mut Vec<u8>, line: &str) {
    output.extend_from_slice(line.as_bytes());
    output.extend_from_slice(b"\r\n");
}
