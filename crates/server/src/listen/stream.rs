//! A client's connection, in clear or under TLS, and how sessions of every protocol read it without holding memory while it is idle.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::server::TlsStream;

/// Octets read at once. A TLS record holds as many.
const READ: usize = 16 * 1024;

/// A client as it comes in.
pub(crate) enum Client {
    /// Over the network.
    Tcp(TcpStream),
    /// From this machine.
    Unix(UnixStream),
}

impl Client {
    /// Writes at once or not at all.
    pub(crate) fn try_write(&self, octets: &[u8]) -> io::Result<usize> {
        match self {
            Client::Tcp(stream) => stream.try_write(octets),
            Client::Unix(stream) => stream.try_write(octets),
        }
    }
}

/// A client's connection.
pub(crate) enum Stream {
    /// In clear.
    Clear(TcpStream),
    /// From this machine: nobody can listen in.
    Unix(UnixStream),
    /// Under TLS.
    Tls(Box<TlsStream<TcpStream>>),
    /// Given to a handshake that has not succeeded.
    Gone,
}

impl Stream {
    /// Reads what is there, up to 16 KiB, into `buffer` in place of what it held; nothing at the end of the stream. Cancel-safe.
    ///
    /// The octets arrive on the stack and are copied into a buffer of their length, so that a connection that waits has none.
    pub(crate) async fn read(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        poll_fn(|context| {
            let mut space = [const { MaybeUninit::<u8>::uninit() }; READ];
            let mut read = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut *self).poll_read(context, &mut read))?;
            buffer.extend_from_slice(read.filled());
            Poll::Ready(Ok(()))
        })
        .await
    }
}

impl Stream {
    /// Makes the kernel's buffer for what comes in this small, as far as it lets itself be made.
    pub(crate) fn narrow(&self, octets: usize) {
        if let Stream::Clear(stream) = self {
            // A larger window costs the other side less time, and nothing else.
            let _ = socket2::SockRef::from(stream).set_recv_buffer_size(octets);
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Clear(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, buffer),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Clear(stream) => Pin::new(stream).poll_write(context, octets),
            Stream::Unix(stream) => Pin::new(stream).poll_write(context, octets),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, octets),
            Stream::Gone => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Clear(stream) => Pin::new(stream).poll_flush(context),
            Stream::Unix(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Unix(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Gone => Poll::Ready(Ok(())),
        }
    }
}

/// Does an error only say that the client went away? Many hang up without TLS's own goodbye.
pub(crate) fn is_hang_up(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected
    )
}
