//! The management listener.

use super::{Applies, Default, Setting};
use crate::config::field::Field;

pub(super) fn settings() -> Vec<Setting> {
    vec![Setting {
        key: "listen.manage.addresses",
        default: Default::Value("[]"),
        applies: Applies::Restart,
        doc: "Loopback addresses on which `/metrics` (X24), `/healthz/live` and `/healthz/ready` (X23) are served over HTTP, such as \
              `[\"127.0.0.1:9111\"]`. It asks for no password, so others than loopback addresses are refused; a proxy may stand in front.",
        field: Field::Listen(|c| &mut c.listen.manage, 9111),
    }]
}
