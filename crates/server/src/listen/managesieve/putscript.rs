//! PUTSCRIPT (RFC 5804 §2.6): a script that does not compile is not stored.

use super::{Session, failure};
use crate::scripts::personal::{self, NotStored};
use managesieve::{Response, ScriptName};
use store::AccountId;

impl Session {
    pub(super) async fn put_script(
        &mut self,
        account: AccountId,
        name: ScriptName,
        content: Vec<u8>,
    ) {
        if self.scripts_are_files() {
            return self.protocol.respond(&failure::files());
        }
        let (services, config) = (&self.services, &self.config);
        let name = name.as_str().to_owned();
        let put = personal::put(
            &services.scripts,
            config,
            &services.store,
            account,
            name,
            content,
        );
        let response = match put.await {
            Ok(script) => failure::stored(&script),
            Err(NotStored::Broken(errors)) => failure::broken(&errors),
            Err(why @ NotStored::Empty) => Response::no(why.to_string()),
            Err(NotStored::NoRoom(shortage)) => failure::shortage(shortage),
            Err(NotStored::Store(error)) => failure::response(&error),
        };
        self.protocol.respond(&response);
    }
}
