//! What of a conversation may be shown to others (catalogue W18): the words of the protocol, numbers and signs, but nothing that people wrote.
//!
//! Whatever is not known to be a word of the protocol is replaced by how long it is: `<5>` for a word, `"<5>"` for a quoted text, `<310 octets>` for
//! what is in a literal. So is the text for people behind OK, NO, BAD, BYE and `+`.

use crate::command::NAMES;
use std::collections::VecDeque;

/// Octets of a word; what is longer is none.
const LONGEST: usize = 40;
/// Commands behind which nothing is shown.
const SECRET: [&str; 2] = ["LOGIN", "AUTHENTICATE"];
/// Commands with what is searched for.
const SEARCHING: [&str; 3] = ["SEARCH", "SORT", "THREAD"];
/// Search keys behind which is what is searched for, even if it is a number or a word of the protocol.
const SEARCHED_BEHIND: [&str; 10] = [
    "BCC",
    "BODY",
    "CC",
    "FROM",
    "HEADER",
    "KEYWORD",
    "SUBJECT",
    "TEXT",
    "TO",
    "UNKEYWORD",
];
/// Tags of commands that are remembered until they are answered.
const TAGS: usize = 64;
/// Words that begin a line for people.
const CONDITIONS: [&str; 5] = ["OK", "NO", "BAD", "BYE", "PREAUTH"];

/// Words that are not names of commands, by their kinds.
const WORDS: [&str; 11] = [
    "UID OK NO BAD BYE PREAUTH NIL INBOX",
    "FLAGS EXISTS RECENT EXPUNGE VANISHED EARLIER LIST LSUB XLIST ESEARCH ACL LISTRIGHTS MYRIGHTS QUOTA QUOTAROOT ENABLED URLFETCH GENURLAUTH UIDFETCH",
    "ALERT ALREADYEXISTS APPENDUID AUTHENTICATIONFAILED AUTHORIZATIONFAILED BADCHARSET BADEVENT BADURL CANNOT CLIENTBUG CLOSED COMPRESSIONACTIVE \
     CONTACTADMIN COPYUID CORRUPTION EXPIRED EXPUNGEISSUED HASCHILDREN HIGHESTMODSEQ INUSE LIMIT MODIFIED NEWNAME NOMODSEQ NONEXISTENT NOPERM NOTSAVED \
     NOUPDATE OVERQUOTA PERMANENTFLAGS PRIVACYREQUIRED READ-ONLY READ-WRITE SERVERBUG TOOBIG TRYCREATE UIDNEXT UIDNOTSTICKY UIDREQUIRED UIDVALIDITY \
     UNAVAILABLE UNKNOWN-CTE UNSEEN USEATTR NOTIFICATIONOVERFLOW TEMPFAIL MAXENTRIES LONGENTRIES TOOMANY NOPRIVATE",
    "ANSWERED FLAGGED DELETED SEEN DRAFT FORWARDED MDNSENT JUNK NOTJUNK PHISHING HASNOCHILDREN NOSELECT NOINFERIORS MARKED UNMARKED SUBSCRIBED REMOTE \
     ARCHIVE DRAFTS SENT TRASH ALL IMPORTANT SILENT",
    "BODY BODYSTRUCTURE ENVELOPE INTERNALDATE RFC822 SIZE HEADER TEXT FIELDS NOT MIME PEEK BINARY MODSEQ PREVIEW LAZY SAVEDATE EMAILID THREADID FAST FULL \
     CHANGEDSINCE UNCHANGEDSINCE PARTIAL MESSAGES DELETED-STORAGE APPENDLIMIT MAILBOXID",
    "BEFORE BCC CC FROM KEYWORD LARGER NEW OLD ON OR SENTBEFORE SENTON SENTSINCE SINCE SMALLER SUBJECT TO UNANSWERED UNDELETED UNDRAFT UNFLAGGED \
     UNKEYWORD OLDER YOUNGER FILTER FUZZY SAVEDBEFORE SAVEDON SAVEDSINCE SAVEDATESUPPORTED UIDAFTER UIDBEFORE PRIV SHARED CHARSET US-ASCII UTF-8",
    "RETURN MIN MAX COUNT SAVE UPDATE CONTEXT TAG ADDTO REMOVEFROM ARRIVAL REVERSE DATE DISPLAYFROM DISPLAYTO REFERENCES ORDEREDSUBJECT REFS RELEVANCY",
    "CHILDREN RECURSIVEMATCH SPECIAL-USE CHILDINFO MYRIGHTS SELECT-OPTIONS USE OLDNAME DEPTH INFINITY MAXSIZE IN SUBTREE SUBTREE-ONE MAILBOXES SELECTED \
     SELECTED-DELAYED INBOXES PERSONAL STATUS NONE SET MESSAGENEW MESSAGEEXPUNGE FLAGCHANGE ANNOTATIONCHANGE MAILBOXNAME SUBSCRIPTIONCHANGE \
     MAILBOXMETADATACHANGE SERVERMETADATACHANGE STORAGE MESSAGE MAILBOX URL DONE",
    "IMAP4REV1 IMAP4REV2 LITERAL+ LITERAL- SASL-IR CONDSTORE QRESYNC UIDPLUS ESORT MULTISEARCH DISPLAY SEARCHRES FILTERS I18NLEVEL INPROGRESS WITHIN \
     MULTIAPPEND CATENATE OBJECTID UTF8 ACCEPT ONLY DEFLATE RES-STORAGE RES-MESSAGE RES-MAILBOX QUOTASET RIGHTS METADATA METADATA-SERVER LIST-METADATA \
     LIST-MYRIGHTS LIST-STATUS LIST-EXTENDED CREATE-SPECIAL-USE IMAPSIEVE UIDONLY URLAUTH MESSAGELIMIT STARTTLS LOGINDISABLED",
    "AUTH PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS OAUTHBEARER XOAUTH2",
    "MESSAGE-ID IN-REPLY-TO REPLY-TO SENDER CONTENT-TYPE CONTENT-TRANSFER-ENCODING LIST-ID LIST-POST PRIORITY X-PRIORITY RETURN-PATH",
];

/// A command of a client, with its literals, in one line: as it may be shown. A line that names no command is hidden but for its length.
pub fn command(octets: &[u8]) -> String {
    let hidden = || format!("<{} octets that are no command>", octets.len());
    let line = octets
        .split(|&octet| octet == b'\r' || octet == b'\n')
        .next();
    let mut words = line
        .unwrap_or_default()
        .split(|&octet| octet == b' ')
        .filter(|word| !word.is_empty());
    let (Some(_), Some(name)) = (words.next(), words.next()) else {
        return hidden();
    };
    let named = |names: &[&str], name: &[u8]| is_one_of(names, name);
    if !named(&NAMES, name) && !name.eq_ignore_ascii_case(b"UID") {
        return hidden();
    }
    let mut shown = String::new();
    let mut redactor = Redactor {
        side: Side::Client,
        ..Redactor::new()
    };
    if named(&SECRET, name) {
        let end = octets.len() - octets.trim_ascii_start().len();
        let head = octets.iter().skip(end).position(|&octet| octet == b' ');
        redactor.feed(&octets[..end + head.unwrap_or(0) + 1], &mut shown);
        return shown + &String::from_utf8_lossy(name) + " …";
    }
    let name_or_behind = match name.eq_ignore_ascii_case(b"UID") {
        true => words.next().unwrap_or_default(),
        false => name,
    };
    redactor.searches = named(&SEARCHING, name_or_behind);
    redactor.feed(octets, &mut shown);
    redactor.word_ends(&mut shown);
    shown.trim_end().replace('\n', "")
}

/// Who speaks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Client,
    Server,
}

/// Where in a line the next octet is.
enum At {
    /// Among words.
    Words,
    /// In a quoted text; the last octet was a backslash.
    Quoted { escaped: bool },
    /// In a literal with so many octets to come.
    Literal(u64),
    /// In text for people, until the line ends.
    Prose,
}

/// Reads what a server sends, in pieces as they come, and tells what may be shown of it. It holds a word at most.
pub struct Redactor {
    side: Side,
    at: At,
    /// The word or quoted text so far, cut.
    word: Vec<u8>,
    /// Its true length.
    length: usize,
    /// Words of this line before it.
    before: usize,
    /// The line is one with text for people in it, which begins unless a code does.
    condition: bool,
    /// What a `{…}` said that is to come.
    announced: Option<u64>,
    /// What is searched for is in it.
    searches: bool,
    /// So many words to come are hidden.
    hide: usize,
    /// Tags that may be shown, since they were of commands.
    tags: VecDeque<Box<[u8]>>,
}

impl Default for Redactor {
    fn default() -> Redactor {
        Redactor::new()
    }
}

impl Redactor {
    /// At the beginning of a line.
    pub fn new() -> Redactor {
        Redactor {
            side: Side::Server,
            at: At::Words,
            word: Vec::new(),
            length: 0,
            before: 0,
            condition: false,
            announced: None,
            searches: false,
            hide: 0,
            tags: VecDeque::new(),
        }
    }

    /// A command with this tag was shown, so its answer may show it too. What else a client began a line with is echoed as well.
    pub fn expects(&mut self, tag: &str) {
        if self.tags.len() == TAGS {
            self.tags.pop_front();
        }
        self.tags.push_back(tag.as_bytes().into());
    }

    /// Appends what may be shown of these octets, lines ended by a line feed.
    pub fn feed(&mut self, mut octets: &[u8], shown: &mut String) {
        while let Some((&octet, rest)) = octets.split_first() {
            octets = rest;
            match &mut self.at {
                At::Words => self.among_words(octet, shown),
                At::Quoted { escaped: true } => {
                    self.at = At::Quoted { escaped: false };
                    self.push(octet);
                }
                At::Quoted { .. } => self.in_quotes(octet, shown),
                At::Literal(left) => {
                    // This octet, and as many as there are.
                    let more = (*left - 1).min(rest.len() as u64);
                    *left -= 1 + more;
                    octets = &rest[more as usize..];
                    if *left == 0 {
                        self.at = At::Words;
                    }
                }
                At::Prose if octet == b'\n' => self.line_ends(shown),
                At::Prose => {}
            }
        }
    }

    fn among_words(&mut self, octet: u8, shown: &mut String) {
        let announced = self.announced.take();
        match octet {
            b'"' => {
                self.word_ends(shown);
                self.at = At::Quoted { escaped: false };
            }
            b'\r' => {
                self.word_ends(shown);
                self.announced = announced;
            }
            b'\n' => {
                self.word_ends(shown);
                match announced {
                    Some(0) => shown.push_str("<0 octets>"),
                    Some(length) => {
                        shown.push_str(&format!("<{length} octets>"));
                        self.at = At::Literal(length);
                    }
                    None => self.line_ends(shown),
                }
            }
            b'}' => {
                let digits = self.word.strip_suffix(b"+").unwrap_or(&self.word);
                let digits = std::str::from_utf8(digits).ok();
                self.announced = digits.and_then(|digits| digits.parse().ok());
                self.word_ends(shown);
                shown.push('}');
            }
            b' ' | b'(' | b')' | b'[' | b']' | b'<' | b'>' | b'{' => {
                self.word_ends(shown);
                shown.push(char::from(octet));
                self.condition_goes_on(octet, shown);
            }
            other => {
                if self.condition && self.before == 2 && self.length == 0 && shown.ends_with(' ') {
                    self.prose(shown);
                } else {
                    self.push(other);
                }
            }
        }
    }

    /// In a line for people: its code may be shown, what is behind it not.
    fn condition_goes_on(&mut self, octet: u8, shown: &mut String) {
        let continues = self.side == Side::Server && octet == b' ' && shown.ends_with("+ ");
        if (self.condition && octet == b']') || (continues && self.before == 1) {
            self.prose(shown);
        }
    }

    fn prose(&mut self, shown: &mut String) {
        shown.push('…');
        self.at = At::Prose;
    }

    fn in_quotes(&mut self, octet: u8, shown: &mut String) {
        match octet {
            b'\\' => self.at = At::Quoted { escaped: true },
            b'"' => {
                let plain = matches!(self.word.as_slice(), b"" | b"/" | b"*" | b"%");
                let plain = plain || self.word.eq_ignore_ascii_case(b"INBOX");
                match plain && self.hide == 0 {
                    true => {
                        shown.push_str(&format!("\"{}\"", String::from_utf8_lossy(&self.word)));
                    }
                    false => shown.push_str(&format!("\"<{}>\"", self.length)),
                }
                self.hide = self.hide.saturating_sub(1);
                self.forget();
                self.at = At::Words;
            }
            // A line ends: it was no quoted text after all.
            b'\n' => {
                shown.push_str(&format!("\"<{}>", self.length));
                self.forget();
                self.line_ends(shown);
            }
            other => self.push(other),
        }
    }

    fn push(&mut self, octet: u8) {
        self.length += 1;
        if self.word.len() < LONGEST {
            self.word.push(octet);
        }
    }

    fn forget(&mut self) {
        self.word.clear();
        self.length = 0;
        self.before += 1;
    }

    fn word_ends(&mut self, shown: &mut String) {
        if self.length == 0 {
            return;
        }
        let cut = self.length > self.word.len();
        let hide = std::mem::take(&mut self.hide);
        let plain = match (self.before, self.side) {
            (0, Side::Client) => self.word.iter().all(u8::is_ascii_graphic),
            (0, Side::Server) => {
                let mut tags = self.tags.iter().map(AsRef::<[u8]>::as_ref);
                matches!(self.word.as_slice(), b"*" | b"+") || tags.any(|tag| tag == self.word)
            }
            _ => is_plain(&self.word),
        };
        match !cut && plain && (hide == 0 || self.announced.is_some()) {
            true => shown.push_str(&String::from_utf8_lossy(&self.word)),
            false => shown.push_str(&format!("<{}>", self.length)),
        }
        self.hide = hide.saturating_sub(1);
        if self.before == 1 && self.side == Side::Server {
            self.condition = is_one_of(&CONDITIONS, &self.word);
        }
        if self.searches && self.before > 1 && is_one_of(&SEARCHED_BEHIND, &self.word) && hide == 0
        {
            self.hide = 1 + usize::from(self.word.eq_ignore_ascii_case(b"HEADER"));
        }
        self.forget();
    }

    fn line_ends(&mut self, shown: &mut String) {
        shown.push('\n');
        *self = Redactor {
            side: self.side,
            word: std::mem::take(&mut self.word),
            tags: std::mem::take(&mut self.tags),
            ..Redactor::new()
        };
    }
}

/// Is it a number, a set, or made of words of the protocol?
fn is_plain(word: &[u8]) -> bool {
    let word = word.trim_ascii();
    let bare = match word {
        [b'\\' | b'$' | b'+' | b'-' | b'~', bare @ ..] => bare,
        all => all,
    };
    let signs = |octet: &u8| octet.is_ascii_digit() || b",:*+-.".contains(octet);
    bare.iter().all(signs)
        || bare
            .split(|octet| b".=".contains(octet))
            .all(|piece| piece.iter().all(signs) || is_word(piece))
}

fn is_word(piece: &[u8]) -> bool {
    let among = |words: &str| {
        words
            .split_ascii_whitespace()
            .any(|known| known.as_bytes().eq_ignore_ascii_case(piece))
    };
    is_one_of(&NAMES, piece) || WORDS.iter().any(|words| among(words))
}

fn is_one_of(names: &[&str], word: &[u8]) -> bool {
    names
        .iter()
        .any(|name| name.as_bytes().eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn redactor() -> Redactor {
        let mut redactor = Redactor::new();
        for tag in ["a1", "a2", "t"] {
            redactor.expects(tag);
        }
        redactor
    }

    fn server(text: &str) -> String {
        let mut shown = String::new();
        redactor().feed(text.as_bytes(), &mut shown);
        shown
    }

    /// W18
    #[test]
    fn w18_commands_keep_their_form() {
        for (said, shown) in [
            ("a1 SELECT INBOX\r\n", "a1 SELECT INBOX"),
            ("a1 SELECT Bills\r\n", "a1 SELECT <5>"),
            (
                "a1 SELECT \"INBOX\" (CONDSTORE QRESYNC (67890007 20050715194045000 41,43:211))\r\n",
                "a1 SELECT \"INBOX\" (CONDSTORE QRESYNC (67890007 20050715194045000 41,43:211))",
            ),
            (
                "a2 UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (FROM X-Mine)]<0.2048>)\r\n",
                "a2 UID FETCH 1:* (FLAGS BODY.PEEK[HEADER.FIELDS (FROM <6>)]<0.2048>)",
            ),
            (
                "a3 UID SEARCH OR SUBJECT 1234 HEADER From \"my friend\" UNSEEN SMALLER 4096\r\n",
                "a3 UID SEARCH OR SUBJECT <4> HEADER <4> \"<9>\" UNSEEN SMALLER 4096",
            ),
            ("a3 SEARCH BODY seen\r\n", "a3 SEARCH BODY <4>"),
            (
                "a4 STORE 2 +FLAGS.SILENT (\\Seen $Forwarded $Divorce)\r\n",
                "a4 STORE 2 +FLAGS.SILENT (\\Seen $Forwarded <8>)",
            ),
            (
                "a5 STATUS {5+}\r\nBills (MESSAGES)\r\n",
                "a5 STATUS {5+}<5 octets> (MESSAGES)",
            ),
            ("a6 LOGIN alice@example.com secret\r\n", "a6 LOGIN …"),
            ("a6 authenticate PLAIN AGFsaWNl\r\n", "a6 authenticate …"),
            ("Dear Bob,\r\n", "<11 octets that are no command>"),
            ("", "<0 octets that are no command>"),
        ] {
            assert_eq!(command(said.as_bytes()), shown);
        }
    }

    /// W18
    #[test]
    fn w18_responses_keep_their_form() {
        assert_eq!(
            server(
                "* OK [UIDVALIDITY 17] UIDs are valid.\r\na1 NO [NONEXISTENT] There is no Bills.\r\na2 BAD Bills what.\r\n+ cGFzc3dvcmQ=\r\n* 3 EXISTS\r\n"
            ),
            "* OK [UIDVALIDITY 17]…\na1 NO [NONEXISTENT]…\na2 BAD …\n+ …\n* 3 EXISTS\n"
        );
        assert_eq!(
            server(
                "* 1 FETCH (FLAGS (\\Seen) UID 4 ENVELOPE (\"Mon, 7 Feb\" \"lunch\" NIL) BODY[TEXT]<0> {7}\r\nDear \r\n RFC822.SIZE 9)\r\n"
            ),
            "* 1 FETCH (FLAGS (\\Seen) UID 4 ENVELOPE (\"<10>\" \"<5>\" NIL) BODY[TEXT]<0> {7}<7 octets> RFC822.SIZE 9)\n"
        );
        assert_eq!(server("Dear BAD That is no command.\r\n"), "<4> BAD …\n");
        assert_eq!(
            server("* LIST (\\HasNoChildren) \"/\" Bills\r\n* LIST () \"/\" \"a \\\"b\\\"\"\r\n"),
            "* LIST (\\HasNoChildren) \"/\" <5>\n* LIST () \"/\" \"<5>\"\n"
        );
    }

    proptest! {
        /// W18: whatever is in literals and quotes, and however it is cut, it does not come out.
        #[test]
        fn w18_what_people_wrote_does_not_come_out(secret in "[a-z]{9,20}", other in "[ -~\r\n]{0,40}", cut in 1usize..20) {
            prop_assume!(!is_word(secret.as_bytes()));
            let body = format!("{secret}{other}");
            let quoted = other.replace(['\\', '"', '\r', '\n'], "");
            let said = format!(
                "* 1 FETCH (BODY[] {{{}}}\r\n{body} ENVELOPE (\"{quoted}{secret}\"))\r\n* LIST () NIL {secret}\r\nt OK {secret} {quoted}\r\n",
                body.len()
            );
            let mut shown = String::new();
            let mut redactor = redactor();
            for piece in said.as_bytes().chunks(cut) {
                redactor.feed(piece, &mut shown);
            }
            prop_assert!(!shown.contains(&secret), "{shown}");
            prop_assert_eq!(shown.lines().count(), 3);
            prop_assert_eq!(shown, server(&said));
        }

        #[test]
        fn w18_any_octets(octets in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut shown = String::new();
            Redactor::new().feed(&octets, &mut shown);
            command(&octets);
        }
    }
}
