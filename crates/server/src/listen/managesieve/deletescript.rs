//! DELETESCRIPT (RFC 5804 §2.10).

use super::{Session, failure};
use managesieve::{Code, Response, ScriptName};
use store::{AccountId, Error, script};

impl Session {
    pub(super) async fn delete_script(&mut self, account: AccountId, name: ScriptName) {
        if self.scripts_are_files() {
            return self.protocol.respond(&failure::files());
        }
        let deleted = self
            .services
            .store
            .write(move |tx| script::delete(tx, account, name.as_str()));
        let response = match deleted.await {
            // The store refuses for this reason alone.
            Err(Error::Refused(_)) => {
                Response::no("This script is active; SETACTIVE \"\" first.").code(Code::Active)
            }
            outcome => failure::outcome(outcome),
        };
        self.protocol.respond(&response);
    }
}
