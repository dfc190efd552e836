//! RENAMESCRIPT (RFC 5804 §2.11).

use super::{Session, failure};
use managesieve::ScriptName;
use store::{AccountId, script};

impl Session {
    pub(super) async fn rename_script(
        &mut self,
        account: AccountId,
        old: ScriptName,
        new: ScriptName,
    ) {
        if self.scripts_are_files() {
            return self.protocol.respond(&failure::files());
        }
        let renamed = self
            .services
            .store
            .write(move |tx| script::rename(tx, account, old.as_str(), new.as_str()));
        let response = failure::outcome(renamed.await);
        self.protocol.respond(&response);
    }
}
