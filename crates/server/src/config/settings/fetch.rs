//! `[fetch]`: what this server fetches over HTTP.

use super::{Applies, Default, Setting};
use crate::config::field::Field;

pub(super) fn fetch() -> Vec<Setting> {
    settings! {
        "fetch.allow_private" Reload "false", Field::Flag(|c| &mut c.fetch.allow_private),
            "Fetch from loopback and private addresses too. Otherwise a stranger's DNS could make this server talk to machines of its \
             own network. Addresses that stand in this file are fetched from in any case.";
        "fetch.http_port" Reload "80", Field::Port(|c| &mut c.fetch.http_port),
            "The port of http URLs that name none. Only a trial has reason to change it.";
        "fetch.https_port" Reload "443", Field::Port(|c| &mut c.fetch.https_port),
            "The port of https URLs that name none. Only a trial has reason to change it.";
    }
}
