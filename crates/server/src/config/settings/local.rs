//! Mail from programs on this machine: where they reach the server, where their messages wait, and whose word is believed.

use super::{Applies, Default, Setting};
use crate::config::Config;
use crate::config::field::Field;
use std::path::{Path, PathBuf};

/// Where a packaged server keeps its data; its sockets and its spool then have the places that programs expect.
const PACKAGED: &str = "/var/lib/pennyblack";

/// The listener's only setting.
pub(super) fn listener() -> Vec<Setting> {
    vec![Setting {
        key: "listen.local.socket",
        default: Default::Derived {
            says: "`sendmail.sock` in `data`, /run/pennyblack/sendmail if that is the usual one",
            derive: socket,
        },
        applies: Applies::Restart,
        doc: "The socket on which `sendmail` hands messages over (A22). Every user of this machine may use it, and the system says who \
              it is. Empty: none.",
        field: Field::OptionalPath(|c| &mut c.listen.local.socket),
    }]
}

pub(super) fn settings() -> Vec<Setting> {
    let spool = Setting {
        key: "local.spool",
        default: Default::Derived {
            says: "`spool` in `data`, /var/spool/pennyblack if that is the usual one",
            derive: spool,
        },
        applies: Applies::Reload,
        doc: "The folder in which `sendmail` keeps messages while no server runs (X14). The server makes it if it may, with mode 3733. \
              Empty: none; such messages are then refused with exit code 75.",
        field: Field::OptionalPath(|c| &mut c.local.spool),
    };
    let trusted = Setting {
        key: "local.trusted",
        default: Default::Value("[]"),
        applies: Applies::Reload,
        doc: "Users of this machine who may send as anybody, such as `\"www-data\"`; `\"*\"` is all. Root and the server's own user always \
              may. Others may send as anybody at `hostname`, and as the account of their own name in `domain` with its aliases.",
        field: Field::Words(|c| &mut c.local.trusted),
    };
    vec![spool, trusted]
}

fn socket(config: &mut Config) -> Result<(), String> {
    config.listen.local.socket = Some(place(config, "/run/pennyblack/sendmail", "sendmail.sock"));
    Ok(())
}

fn spool(config: &mut Config) -> Result<(), String> {
    config.local.spool = Some(place(config, "/var/spool/pennyblack", "spool"));
    Ok(())
}

fn place(config: &Config, packaged: &str, otherwise: &str) -> PathBuf {
    match config.data == Path::new(PACKAGED) {
        true => packaged.into(),
        false => config.data.join(otherwise),
    }
}
