//! The control socket: how the commands of `pennyblack` reach the running server.

use crate::run::Running;
use std::io;
use std::path::Path;
use std::sync::Arc;
use tokio::net::UnixListener;

/// Makes the socket.
pub(crate) fn bind(_path: &Path) -> io::Result<Option<UnixListener>> {
    Ok(None)
}

/// Serves it until the server stops.
pub(crate) async fn serve(_socket: Option<UnixListener>, _running: Arc<Running>) {}
