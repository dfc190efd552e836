//! HAVESPACE (RFC 5804 §2.5).

use super::{Session, failure};
use crate::scripts::personal;
use managesieve::{Response, ScriptName};
use store::{AccountId, script};

impl Session {
    pub(super) async fn have_space(&mut self, account: AccountId, name: ScriptName, octets: u64) {
        let quota = personal::quota(&self.config);
        let asked = self
            .services
            .store
            .read(move |tx| script::shortage(tx, account, name.as_str(), octets, &quota));
        let response = match asked.await {
            Ok(None) => Response::ok(),
            Ok(Some(shortage)) => failure::shortage(shortage),
            Err(error) => failure::response(&error),
        };
        self.protocol.respond(&response);
    }
}
