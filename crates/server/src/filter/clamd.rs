//! Asks ClamAV's daemon about a message (clamd(8), `zINSTREAM`; I26).

use super::Octets;
use std::io;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpStream, UnixStream};

/// Octets of an answer that are read.
const ANSWER: u64 = 4096;

/// What the daemon says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing is known against it.
    Clean,
    /// It holds this.
    Virus(String),
    /// The daemon will not say: the message is too large for it, or its own error.
    Unknown(String),
}

/// Asks the daemon at a path or at `host:port`.
pub(crate) async fn scan(place: &str, octets: Octets<'_>) -> io::Result<Answer> {
    match place.starts_with('/') {
        true => exchange(UnixStream::connect(place).await?, octets).await,
        false => exchange(TcpStream::connect(place).await?, octets).await,
    }
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    octets: Octets<'_>,
) -> io::Result<Answer> {
    // A daemon for which this is too large answers before the end and hangs up: its answer counts, not our broken pipe.
    let sent = send(&mut stream, octets).await;
    let mut text = Vec::new();
    let read = stream.take(ANSWER).read_to_end(&mut text).await;
    if text.is_empty() {
        sent?;
        read?;
        return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "no answer"));
    }
    Ok(answer(&String::from_utf8_lossy(&text)))
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), mut octets: Octets<'_>) -> io::Result<()> {
    stream.write_all(b"zINSTREAM\0").await?;
    while let Some(piece) = octets.next().await? {
        let length = u32::try_from(piece.len()).unwrap_or(u32::MAX);
        stream.write_all(&length.to_be_bytes()).await?;
        stream.write_all(&piece).await?;
    }
    stream.write_all(&0_u32.to_be_bytes()).await?;
    stream.flush().await
}

/// `stream: OK`, `stream: NAME FOUND`, `… ERROR`.
fn answer(text: &str) -> Answer {
    let text = text.trim_end_matches(['\0', '\n', '\r', ' ']);
    let said = text.strip_prefix("stream: ").unwrap_or(text);
    match said.strip_suffix(" FOUND") {
        Some(name) => Answer::Virus(name.chars().filter(|c| !c.is_control()).take(100).collect()),
        None if said == "OK" => Answer::Clean,
        None => Answer::Unknown(said.chars().filter(|c| !c.is_control()).take(200).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        assert_eq!(answer("stream: OK\0"), Answer::Clean);
        assert_eq!(
            answer("stream: Eicar-Test-Signature FOUND\0"),
            Answer::Virus("Eicar-Test-Signature".into())
        );
        for unknown in [
            "INSTREAM size limit exceeded. ERROR\0",
            "rubbish",
            "stream: OKAY",
        ] {
            assert!(matches!(answer(unknown), Answer::Unknown(_)), "{unknown}");
        }
    }
}
