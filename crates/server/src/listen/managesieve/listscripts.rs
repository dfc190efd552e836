//! LISTSCRIPTS (RFC 5804 §2.7).

use super::{Session, failure};
use crate::scripts::personal::Source;
use managesieve::{Response, ScriptName};
use store::AccountId;

impl Session {
    pub(super) async fn list_scripts(&mut self, account: AccountId) {
        let Some((login, _)) = &self.login else {
            return;
        };
        let source = Source::of(&self.config, &login.address);
        let response = match source.list(&self.services.store, account).await {
            Ok(listed) => {
                for (name, active) in listed {
                    if let Ok(name) = ScriptName::parse(&name) {
                        self.protocol.listed(&name, active);
                    }
                }
                Response::ok()
            }
            Err(error) => failure::response(&error),
        };
        self.protocol.respond(&response);
    }
}
