//! A message with octets above 127 for a host without 8BITMIME: written anew without them (RFC 6152 §3), and signed anew if the signature
//! that this breaks is ours. Signatures of others break; a message that is signed or encrypted inside (RFC 1847) is not converted.

use crate::Services;
use crate::journey::sign::Unsigned;
use mailauth::dkim::{Bodies, BodyId, Canonicalization};
use message::Scanner;
use message::seven_bit::{Converter, Survey, Unconvertible};
use store::body::{Staged, Staging};
use store::queue::Queued;

/// Why there is no such version.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// There cannot be one.
    #[error("{0}")]
    Message(#[from] Unconvertible),
    /// The message cannot be read, or the new one not be written.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// The message without octets above 127. It lives as long as what is returned, and in no queue.
pub(super) async fn converted(services: &Services, message: &Queued) -> Result<Staged, Trouble> {
    let mut converter = surveyed(services, message).await?;
    let mut writing = Writing::new(services);
    let mut reader = services.store.open_body(&message.body).await?;
    let mut out = Vec::new();
    while let Some(octets) = reader.next().await? {
        converter.feed(&octets, &mut out)?;
        writing.write(&out).await?;
        out.clear();
    }
    Ok(writing.finish(services).await?)
}

/// Reads the message twice: for its parts, and for what is in them.
async fn surveyed(services: &Services, message: &Queued) -> Result<Converter, Trouble> {
    let mut scanner = Scanner::new();
    let mut reader = services.store.open_body(&message.body).await?;
    while let Some(octets) = reader.next().await? {
        scanner.feed(&octets);
    }
    let mut survey = Survey::new(&scanner.finish())?;
    let mut reader = services.store.open_body(&message.body).await?;
    while let Some(octets) = reader.next().await? {
        survey.feed(&octets);
    }
    Ok(survey.finish()?)
}

/// Stages the new message: its body as it comes, its header section at the end, since signatures stand in it.
struct Writing {
    section: Vec<u8>,
    in_body: bool,
    staging: Staging,
    bodies: Bodies,
    relaxed: BodyId,
}

impl Writing {
    fn new(services: &Services) -> Writing {
        let mut bodies = Bodies::default();
        Writing {
            section: Vec::new(),
            in_body: false,
            staging: services.store.stage(),
            relaxed: bodies.want(Canonicalization::Relaxed, None),
            bodies,
        }
    }

    async fn write(&mut self, octets: &[u8]) -> store::Result<()> {
        if self.in_body {
            return self.body(octets).await;
        }
        // The line end before it may have come already.
        let from = self.section.len().saturating_sub(3);
        self.section.extend_from_slice(octets);
        let end = self.section[from..]
            .windows(4)
            .position(|four| four == b"\r\n\r\n");
        if let Some(end) = end {
            let body = self.section.split_off(from + end + 4);
            self.in_body = true;
            self.body(&body).await?;
        }
        Ok(())
    }

    async fn body(&mut self, octets: &[u8]) -> store::Result<()> {
        self.bodies.update(octets);
        self.staging.write(octets).await
    }

    async fn finish(self, services: &Services) -> store::Result<Staged> {
        let now = services.clock.now();
        let bodies = self.bodies.finish();
        let unsigned = |section| Unsigned {
            services,
            section,
            bodies: &bodies,
            body: self.relaxed,
            now,
        };
        let Some(section) = unsigned(&self.section).without_own_signatures().await? else {
            return self.staging.finish(&self.section).await;
        };
        let fields = unsigned(&section).signatures().await?;
        let head = [fields.as_bytes(), &section].concat();
        self.staging.finish(&head).await
    }
}
