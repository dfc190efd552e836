//! A letter of the server to people here: about an account or a provider, rather than about one message.

use super::{Prepared, Writer, addressees};
use crate::Services;
use message::encoded_word;
use std::fmt::Write as _;

/// Columns of a line of text.
const WIDTH: usize = 76;

/// What is written to whom. Of `text`, paragraphs are filled; lines that begin with a blank stay as they are.
pub(crate) struct Letter<'a> {
    /// An address.
    pub(crate) to: &'a str,
    /// Names it among the letters of this moment.
    pub(crate) id: String,
    /// What it is about.
    pub(crate) subject: String,
    /// With `\n` as line end.
    pub(crate) text: String,
}

impl Letter<'_> {
    /// Stages it. `None`: nobody reads mail for that address.
    pub(crate) async fn prepare(&self, services: &Services) -> store::Result<Option<Prepared>> {
        let (inboxes, elsewhere) = addressees(services, None, self.to).await?;
        if inboxes.is_empty() && elsewhere.is_empty() {
            tracing::warn!(
                to = self.to,
                subject = self.subject,
                "nobody reads this letter"
            );
            return Ok(None);
        }
        let now = services.clock.now();
        let mut writer = Writer::new(services, self.head(services).into_bytes());
        writer.write(filled(&self.text).as_bytes()).await?;
        let written = writer.finish(services, now, !elsewhere.is_empty()).await?;
        Ok(Some(Prepared {
            body: written.body,
            header_size: written.header_size,
            summary: written.summary,
            ascii: written.ascii,
            created: now,
            inboxes,
            elsewhere,
        }))
    }

    fn head(&self, services: &Services) -> String {
        let config = services.config.load();
        let (now, hostname) = (services.clock.now(), &config.hostname);
        let subject = encoded_word::encode(self.subject.as_bytes());
        let mut head = format!("Date: {}\r\n", message::date::write(now));
        let _ = write!(head, "From: Mail server <MAILER-DAEMON@{hostname}>\r\n");
        let _ = write!(head, "To: <{}>\r\n", self.to);
        let _ = write!(head, "Subject: {}\r\n", String::from_utf8_lossy(&subject));
        let (id, at) = (&self.id, now.as_microsecond());
        let _ = write!(head, "Message-ID: <{id}.{at}@{hostname}>\r\n");
        // RFC 3834 §5.1: nobody shall answer this.
        head += "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n\
                 Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n";
        head
    }
}

/// Paragraphs in lines of a width that mail programs show well.
fn filled(text: &str) -> String {
    let mut filled = String::with_capacity(text.len() + 64);
    for line in text.lines() {
        match line.starts_with(' ') {
            true => filled += line,
            false => fill(line, &mut filled),
        }
        filled += "\r\n";
    }
    filled
}

fn fill(line: &str, into: &mut String) {
    let mut column = 0;
    for word in line.split(' ') {
        if column > 0 && column + 1 + word.chars().count() > WIDTH {
            *into += "\r\n";
            column = 0;
        } else if column > 0 {
            into.push(' ');
            column += 1;
        }
        *into += word;
        column += word.chars().count();
    }
}
