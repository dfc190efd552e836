//! Asks a SpamAssassin daemon about a message (spamd's protocol, `SYMBOLS SPAMC/1.5`; I27), and takes its score as one reason.

use super::{Octets, in_proportion};
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Octets of an answer that are read.
const ANSWER: u64 = 64 * 1024;
/// Octets of a message that are shown: what `spamc` shows by default. Of a larger one it sees the beginning.
const MESSAGE: usize = 500 * 1024;

/// What it says.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Answer {
    /// The sum of its rules.
    score: f32,
    /// From which score on it calls a message spam.
    required: f32,
    /// The rules, for people.
    pub(crate) rules: String,
}

impl Answer {
    /// Its score, where what it calls spam is as much as what we call junk.
    pub(crate) fn weight(&self, junk: f32) -> f32 {
        in_proportion(self.score, self.required, junk, 2.0 * junk)
    }
}

/// Asks the daemon at a path or at `host:port`.
pub(crate) async fn check(place: &str, octets: Octets<'_>) -> io::Result<Answer> {
    match place.starts_with('/') {
        true => exchange(UnixStream::connect(place).await?, octets).await,
        false => exchange(TcpStream::connect(place).await?, octets).await,
    }
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    mut octets: Octets<'_>,
) -> io::Result<Answer> {
    let mut message = Vec::new();
    while let (true, Some(piece)) = (message.len() < MESSAGE, octets.next().await?) {
        message.extend_from_slice(&piece);
    }
    message.truncate(MESSAGE);
    let head = format!(
        "SYMBOLS SPAMC/1.5\r\nContent-length: {}\r\n\r\n",
        message.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&message).await?;
    stream.flush().await?;
    let mut text = Vec::new();
    stream.take(ANSWER).read_to_end(&mut text).await?;
    let said = String::from_utf8_lossy(&text);
    answer(&said).ok_or_else(|| {
        let first = said.lines().next().unwrap_or("no answer");
        let visible = first.chars().filter(|c| !c.is_control()).take(100);
        io::Error::other(visible.collect::<String>())
    })
}

/// `SPAMD/1.1 0 EX_OK`, fields such as `Spam: True ; 15.2 / 5.0`, an empty line, and the rules between commas.
fn answer(text: &str) -> Option<Answer> {
    let (head, rules) = text.split_once("\r\n\r\n")?;
    let mut lines = head.lines();
    let mut status = lines.next()?.split(' ');
    let (protocol, code) = (status.next()?, status.next()?);
    if !protocol.starts_with("SPAMD/") || code != "0" {
        return None;
    }
    let verdict = lines.find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("spam").then_some(value)
    })?;
    let (score, required) = verdict.split_once(';')?.1.split_once('/')?;
    let visible = rules.trim().chars().filter(|c| c.is_ascii_graphic());
    Some(Answer {
        score: score.trim().parse().ok()?,
        required: required.trim().parse().ok()?,
        rules: visible.take(200).collect::<String>().replace(',', ", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// I27
    #[test]
    fn i27_an_answer_is_read_and_weighed() {
        let text = "SPAMD/1.1 0 EX_OK\r\nContent-length: 20\r\nSpam: True ; 10.0 / 5.0\r\n\r\nBAYES_99,MISSING_MID\r\n";
        let said = answer(text).unwrap();
        assert_eq!(said.rules, "BAYES_99, MISSING_MID");
        assert_eq!((said.weight(7.5), said.weight(3.0)), (15.0, 6.0));
        let calm = answer(&text.replace("10.0 /", "-1.0 /")).unwrap();
        assert_eq!(calm.weight(7.5), -1.5);
        for broken in [
            "",
            "SPAMD/1.1 76 Bad header line\r\n\r\n",
            "SPAMD/1.1 0 EX_OK\r\n\r\n",
            "SPAMD/1.1 0 EX_OK\r\nSpam: True\r\n\r\n",
            "SPAMD/1.1 0 EX_OK\r\nSpam: True ; much / 5\r\n\r\n",
            "HTTP/1.1 200 OK\r\nSpam: True ; 1 / 5\r\n\r\n",
        ] {
            assert_eq!(answer(broken), None, "{broken}");
        }
    }
}
