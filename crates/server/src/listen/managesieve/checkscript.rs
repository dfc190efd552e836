//! CHECKSCRIPT (RFC 5804 §2.12): like PUTSCRIPT without storing.

use super::{Session, failure};
use crate::scripts::personal;
use store::script::Shortage;

impl Session {
    pub(super) async fn check_script(&mut self, content: Vec<u8>) {
        if content.len() as u64 > self.config.sieve.max_script_size {
            let response = failure::shortage(Shortage::TooLarge);
            return self.protocol.respond(&response);
        }
        let scripts = self.services.scripts.clone();
        let checked = personal::check(scripts, self.config.clone(), content).await;
        let response = match checked {
            Ok(Ok(script)) => failure::stored(&script),
            Ok(Err(errors)) => failure::broken(&errors),
            Err(error) => failure::response(&error),
        };
        self.protocol.respond(&response);
    }
}
