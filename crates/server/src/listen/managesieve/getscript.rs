//! GETSCRIPT (RFC 5804 §2.9).

use super::{Session, failure};
use crate::scripts::personal::Source;
use managesieve::{Code, Response, ScriptName};
use store::AccountId;

impl Session {
    pub(super) async fn get_script(&mut self, account: AccountId, name: ScriptName) {
        let Some((login, _)) = &self.login else {
            return;
        };
        let source = Source::of(&self.config, &login.address);
        let found = source
            .content(&self.services.store, account, name.as_str())
            .await;
        let response = match found {
            Ok(Some(content)) => {
                self.protocol.script(&content);
                Response::ok()
            }
            Ok(None) => Response::no("There is no script of this name.").code(Code::NonExistent),
            Err(error) => failure::response(&error),
        };
        self.protocol.respond(&response);
    }
}
