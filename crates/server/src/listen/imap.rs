//! IMAP sessions: a file per command.

use crate::Services;
use std::sync::Arc;
use tokio::net::TcpStream;

/// Serves one connection until it ends; `tls_first` on port 993.
pub async fn serve(_services: Arc<Services>, _stream: TcpStream, _tls_first: bool) {}
