//! The log-in of a route (C8), from the file of `relay.secrets`.

use super::hosts::Unroutable;
use crate::Services;
use crate::secrets;
use smtp::Enhanced;
use smtp::client::Login;

/// The log-in of a label; without one the mail of the route waits.
pub(super) async fn by_label(services: &Services, label: &str) -> Result<Login, Unroutable> {
    let config = services.config.load_full();
    let found = match &config.relay.secrets {
        None => Err("relay.secrets is not set".to_string()),
        Some(file) => secrets::by_label(file, label).await,
    };
    let login = found.map(|secret| Login {
        user: secret.user,
        password: secret.password,
    });
    login.map_err(|why| {
        tracing::error!(label, error = why, "no log-in for a route; its mail waits");
        Unroutable::new(
            Enhanced(4, 7, 0),
            format!("no log-in for the route {label}: {why}"),
        )
    })
}
