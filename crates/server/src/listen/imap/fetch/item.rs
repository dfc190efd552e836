//! The items of FETCH that need no octets of the message (RFC 3501 §7.4.2, RFC 8474, RFC 8514, RFC 8970).

use super::{Message, flags, structure};
use crate::listen::imap::internal_date;
use crate::listen::imap::object_id;
use crate::listen::imap::updates::push_modseq;
use imap::date::DateTime;
use imap::encode;
use imap::fetch::Item;
use structure::Extension;

/// Appends an item with its name.
pub(super) fn push(out: &mut Vec<u8>, item: &Item, message: &Message) {
    let entry = &message.entry;
    let summary = message.content.as_ref().map(|content| &content.summary);
    match item {
        Item::Flags => flags::push(out, entry, message.recency),
        Item::Uid => {
            out.extend_from_slice(b"UID ");
            encode::number(out, u64::from(entry.uid.0));
        }
        Item::Size => {
            out.extend_from_slice(b"RFC822.SIZE ");
            encode::number(out, u64::from(entry.size));
        }
        Item::InternalDate => {
            out.extend_from_slice(b"INTERNALDATE ");
            internal_date::told(entry.internal_date).encode(out);
        }
        Item::ModSeq => push_modseq(out, entry),
        Item::Envelope => {
            out.extend_from_slice(b"ENVELOPE ");
            match summary.map(|summary| summary.envelope.as_slice()) {
                Some(envelope) if !envelope.is_empty() => out.extend_from_slice(envelope),
                _ => out.extend_from_slice(b"(NIL NIL NIL NIL NIL NIL NIL NIL NIL NIL)"),
            }
        }
        Item::Body => {
            out.extend_from_slice(b"BODY ");
            structure::push(out, summary, Extension::Without);
        }
        Item::BodyStructure => {
            out.extend_from_slice(b"BODYSTRUCTURE ");
            structure::push(out, summary, Extension::With);
        }
        Item::SaveDate => {
            out.extend_from_slice(b"SAVEDATE ");
            DateTime::utc(entry.saved.as_second()).encode(out);
        }
        Item::EmailId => push_id(out, "EMAILID", &object_id::of_message(entry)),
        Item::ThreadId => match &message.content {
            Some(content) => push_id(out, "THREADID", &object_id::of_thread(content)),
            None => out.extend_from_slice(b"THREADID NIL"),
        },
        Item::Preview => {
            out.extend_from_slice(b"PREVIEW ");
            let preview = summary.map_or("", |summary| summary.preview.as_str());
            encode::string(out, preview.as_bytes());
        }
        // Content is always asked for together with the octets it needs.
        Item::Content(_) | Item::Binary(_) | Item::BinarySize(_) => {}
    }
}

fn push_id(out: &mut Vec<u8>, name: &str, id: &str) {
    out.extend_from_slice(name.as_bytes());
    out.push(b' ');
    out.extend_from_slice(object_id::in_parentheses(id).as_bytes());
}
