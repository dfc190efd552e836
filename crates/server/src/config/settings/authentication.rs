//! `[authentication]`: who sent a message.

use super::{Applies, Default, Setting};
use crate::config::field::Field;

pub(super) fn authentication() -> Vec<Setting> {
    settings! {
        "authentication.timeout" Reload "\"20s\"", Field::Time(|c| &mut c.authentication.timeout, 1..=120),
            "How long DNS may take to answer all questions about one message. What has no answer by then counts as unknown, never as \
             a failure.";
        "authentication.enforce" Reload "true", Field::Flag(|c| &mut c.authentication.enforce),
            "Carry out what DMARC policies ask for: refuse forged mail of domains with `p=reject`, and file that of domains with \
             `p=quarantine` as junk (K14). Otherwise the results are only written down.";
        "authentication.trusted_sealers" Reload "[\"google.com\", \"microsoft.com\", \"messagingengine.com\"]",
            Field::Names(|c| &mut c.authentication.trusted_sealers),
            "Domains whose ARC seals are believed: if the last of a message's seals is theirs, the chain is whole, and they saw DMARC \
             pass, then a DMARC policy is not carried out (Y9). Names below a listed one count too. Keep the list short.";
        "authentication.forwarders" Reload "[]", Field::Names(|c| &mut c.authentication.forwarders),
            "Domains that forward mail to us in ways that break its signatures, such as mailing lists: if SPF, a signature or the \
             confirmed name of the server proves that a message came by them, a DMARC policy is not carried out. Names below a \
             listed one count too.";
        "authentication.sign" Reload "true", Field::Flag(|c| &mut c.authentication.sign),
            "Sign what our users and this server send to other servers, with every key of the author's domain that is in use \
             (`pennyblack dkim list`).";
        "authentication.seal" Reload "true", Field::Flag(|c| &mut c.authentication.seal),
            "Add a set to the ARC chain of mail that an alias leads to another server, so that its receivers can see what was found \
             here (K18).";
        "authentication.srs" Reload "true", Field::Flag(|c| &mut c.authentication.srs),
            "Give mail that an alias leads to another server a sender in our domain (SRS), so that SPF passes there and bounces come \
             back here and go on to the original sender (K19). Senders of our own domains stay as they are.";
        "authentication.dmarc_reports" Reload "true", Field::Flag(|c| &mut c.authentication.dmarc_reports),
            "Report once a day, to the domains that ask for it (`rua` in their DMARC record), which addresses sent mail in their name and what \
             came of it (RFC 9990, K16). Reports hold no addresses of people.";
        "authentication.reports_kept" Reload "\"90d\"", Field::Time(|c| &mut c.authentication.reports_kept, 86_400..=31_622_400),
            "How long reports are kept that other servers send about mail in our domains' name (K15); see `pennyblack report list`.";
    }
}
