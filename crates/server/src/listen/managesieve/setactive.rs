//! SETACTIVE (RFC 5804 §2.8).

use super::{Session, failure};
use managesieve::ScriptName;
use store::{AccountId, script};

impl Session {
    pub(super) async fn set_active(&mut self, account: AccountId, name: Option<ScriptName>) {
        if self.scripts_are_files() {
            return self.protocol.respond(&failure::files());
        }
        let set = self.services.store.write(move |tx| {
            let name = name.as_ref().map(ScriptName::as_str);
            script::set_active(tx, account, name)
        });
        let response = failure::outcome(set.await);
        self.protocol.respond(&response);
    }
}
