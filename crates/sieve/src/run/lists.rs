//! Names of external lists (RFC 6134 §2.5): hosts are told whole URIs, and one spelling of the default address book.

use super::mailto;
use std::borrow::Cow;

/// What `:` at the start of a name stands for.
const URN: &str = "urn:ietf:params:sieve:";
const ADDRESS_BOOKS: &str = "addrbook:";

/// `:addrbook:default` in full; its name in whatever case or encoding. Other names keep theirs.
pub(super) fn whole(name: &str) -> Cow<'_, str> {
    let parameter = match name.strip_prefix(':') {
        Some(parameter) => parameter,
        None if starts_with(name, URN) => &name[URN.len()..],
        None => return Cow::Borrowed(name),
    };
    if starts_with(parameter, ADDRESS_BOOKS) {
        let book = mailto::decode(&parameter[ADDRESS_BOOKS.len()..]);
        if book.is_ok_and(|book| book.eq_ignore_ascii_case("default")) {
            return Cow::Owned(format!("{URN}{ADDRESS_BOOKS}default"));
        }
    }
    Cow::Owned(format!("{URN}{parameter}"))
}

fn starts_with(name: &str, start: &str) -> bool {
    let head = name.as_bytes().get(..start.len());
    head.is_some_and(|head| head.eq_ignore_ascii_case(start.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn rfc6134_section_2_5_equivalences() {
        let default = "urn:ietf:params:sieve:addrbook:default";
        for name in [
            ":addrbook:default",
            ":ADDRBOOK:DEFAULT",
            ":aDdRbOOk:DeFauLt",
            ":AddrBook:%44%65%66ault",
            "URN:ietf:params:sieve:addrbook:default",
            default,
        ] {
            assert_eq!(whole(name), default, "{name}");
        }
        for (name, full) in [
            (
                ":addrbook:Personal",
                "urn:ietf:params:sieve:addrbook:Personal",
            ),
            (":addrbook:%zz", "urn:ietf:params:sieve:addrbook:%zz"),
            ("tag:example.com,2026:x", "tag:example.com,2026:x"),
            ("friends", "friends"),
            ("", ""),
            (":", "urn:ietf:params:sieve:"),
        ] {
            assert_eq!(whole(name), full);
        }
    }
}
