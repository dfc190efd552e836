//! The extensions of Sieve that this crate knows, by the names that `require` and the ManageSieve capability line use.
//!
//! What each one means stands where it is compiled and run; this is only the list, and sets over it.

use std::fmt;

macro_rules! capabilities {
    ($($variant:ident $name:literal $source:literal;)*) => {
        /// An extension, as a script names it in `require`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Capability {
            $(#[doc = concat!("`", $name, "` (", $source, ")")] $variant,)*
        }

        impl Capability {
            /// All of them, in the order of the capability line.
            pub const ALL: &[Capability] = &[$(Capability::$variant,)*];

            /// The word for it.
            pub fn name(self) -> &'static str {
                match self { $(Capability::$variant => $name,)* }
            }

            /// Where it is defined.
            pub fn source(self) -> &'static str {
                match self { $(Capability::$variant => $source,)* }
            }
        }
    };
}

capabilities! {
    FileInto "fileinto" "RFC 5228 §4.1";
    Reject "reject" "RFC 5429 §2.2";
    Ereject "ereject" "RFC 5429 §2.1";
    Envelope "envelope" "RFC 5228 §5.4";
    EnvelopeDsn "envelope-dsn" "RFC 6009 §4";
    EnvelopeDeliverBy "envelope-deliverby" "RFC 6009 §5";
    EncodedCharacter "encoded-character" "RFC 5228 §2.4.2.4";
    Vacation "vacation" "RFC 5230";
    VacationSeconds "vacation-seconds" "RFC 6131";
    Subaddress "subaddress" "RFC 5233";
    Octet "comparator-i;octet" "RFC 4790 §9.3";
    AsciiCasemap "comparator-i;ascii-casemap" "RFC 4790 §9.2";
    AsciiNumeric "comparator-i;ascii-numeric" "RFC 4790 §9.1";
    UnicodeCasemap "comparator-i;unicode-casemap" "RFC 5051";
    Relational "relational" "RFC 5231";
    Regex "regex" "draft-ietf-sieve-regex";
    Imap4Flags "imap4flags" "RFC 5232";
    ImapFlags "imapflags" "draft-melnikov-sieve-imapflags-03";
    Copy "copy" "RFC 3894";
    Include "include" "RFC 6609";
    Variables "variables" "RFC 5229";
    Body "body" "RFC 5173";
    Enotify "enotify" "RFC 5435";
    Notify "notify" "draft-ietf-sieve-notify-00";
    Environment "environment" "RFC 5183";
    Mailbox "mailbox" "RFC 5490 §3";
    MailboxId "mailboxid" "RFC 9042";
    SpecialUse "special-use" "RFC 8579";
    MboxMetadata "mboxmetadata" "RFC 5490 §4";
    ServerMetadata "servermetadata" "RFC 5490 §5";
    Date "date" "RFC 5260 §4";
    Index "index" "RFC 5260 §6";
    Ihave "ihave" "RFC 5463";
    Duplicate "duplicate" "RFC 7352";
    Mime "mime" "RFC 5703 §4";
    ForEveryPart "foreverypart" "RFC 5703 §3";
    ExtractText "extracttext" "RFC 5703 §7";
    Replace "replace" "RFC 5703 §5";
    Enclose "enclose" "RFC 5703 §6";
    EditHeader "editheader" "RFC 5293";
    SpamTest "spamtest" "RFC 5235 §3.1";
    SpamTestPlus "spamtestplus" "RFC 5235 §3.3";
    VirusTest "virustest" "RFC 5235 §3.4";
    ExtLists "extlists" "RFC 6134";
    Fcc "fcc" "RFC 8580";
    RedirectDsn "redirect-dsn" "RFC 6009 §6";
    RedirectDeliverBy "redirect-deliverby" "RFC 6009 §7";
    ImapSieve "imapsieve" "RFC 6785";
    DovecotEnvironment "vnd.dovecot.environment" "Pigeonhole";
    DovecotPipe "vnd.dovecot.pipe" "Pigeonhole, admin scripts only";
    DovecotExecute "vnd.dovecot.execute" "Pigeonhole, admin scripts only";
    DovecotFilter "vnd.dovecot.filter" "Pigeonhole, admin scripts only";
    DovecotReport "vnd.dovecot.report" "Pigeonhole";
    DovecotDebug "vnd.dovecot.debug" "Pigeonhole";
    DovecotImapSieve "vnd.dovecot.imapsieve" "Pigeonhole";
}

impl Capability {
    /// The extension of this name, compared octet by octet as RFC 5228 §6.1 has it.
    pub fn by_name(name: &str) -> Option<Capability> {
        Self::ALL.iter().copied().find(|c| c.name() == name)
    }

    /// May only the scripts of the admin use it? It starts programs or shows what the host knows.
    pub fn is_global_only(self) -> bool {
        matches!(
            self,
            Self::DovecotPipe
                | Self::DovecotExecute
                | Self::DovecotFilter
                | Self::DovecotEnvironment
        )
    }

    /// What comes along with it: `spamtestplus` is `spamtest` and more (RFC 5235 §3.3), and so on.
    pub(crate) fn implied(self) -> &'static [Capability] {
        match self {
            Self::SpamTestPlus => &[Self::SpamTest],
            Self::VacationSeconds => &[Self::Vacation],
            Self::DovecotImapSieve => &[Self::ImapSieve],
            Self::ExtractText => &[Self::Variables],
            _ => &[],
        }
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A set of extensions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Capabilities(u64);

impl Capabilities {
    /// None at all: the language of RFC 5228 without its options.
    pub const NONE: Capabilities = Capabilities(0);

    /// Every extension that scripts of this scope may have.
    pub fn all(scope: Scope) -> Capabilities {
        let allowed = |c: &&Capability| scope == Scope::Global || !c.is_global_only();
        Capability::ALL.iter().filter(allowed).copied().collect()
    }

    /// Is it in the set?
    pub fn contains(self, capability: Capability) -> bool {
        self.0 & bit(capability) != 0
    }

    /// The set with it.
    #[must_use]
    pub fn with(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 | bit(capability))
    }

    /// The set without it.
    #[must_use]
    pub fn without(self, capability: Capability) -> Capabilities {
        Capabilities(self.0 & !bit(capability))
    }

    /// What is in it, in the order of the capability line.
    pub fn iter(self) -> impl Iterator<Item = Capability> {
        let held = move |c: &Capability| self.contains(*c);
        Capability::ALL.iter().copied().filter(held)
    }
}

fn bit(capability: Capability) -> u64 {
    1 << (capability as u8)
}

impl FromIterator<Capability> for Capabilities {
    fn from_iter<I: IntoIterator<Item = Capability>>(items: I) -> Capabilities {
        items.into_iter().fold(Self::NONE, Capabilities::with)
    }
}

/// The words with blanks between them, as the `SIEVE` line of ManageSieve has them (RFC 5804 §1.7).
impl fmt::Display for Capabilities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<&str> = self.iter().map(Capability::name).collect();
        f.write_str(&words.join(" "))
    }
}

/// Whose script it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// A user's own.
    Personal,
    /// The admin's, run for every user: it may start programs.
    Global,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// H38
    #[test]
    fn h38_the_capability_line_has_the_words() {
        let line = Capabilities::all(Scope::Personal).to_string();
        let words: Vec<&str> = line.split(' ').collect();
        for word in "fileinto reject envelope encoded-character vacation subaddress comparator-i;ascii-numeric relational regex \
            imap4flags copy include variables body enotify environment mailbox date index ihave duplicate mime foreverypart \
            extracttext imapsieve vnd.dovecot.imapsieve"
            .split_whitespace()
        {
            assert!(words.contains(&word), "{word}");
        }
    }

    /// H27
    #[test]
    fn h27_programs_are_for_global_scripts() {
        let personal = Capabilities::all(Scope::Personal);
        assert!(!personal.contains(Capability::DovecotPipe));
        assert!(Capabilities::all(Scope::Global).contains(Capability::DovecotPipe));
    }

    #[test]
    fn sets() {
        let set: Capabilities = [Capability::Copy, Capability::FileInto]
            .into_iter()
            .collect();
        assert_eq!(set.to_string(), "fileinto copy");
        assert_eq!(set.without(Capability::Copy).to_string(), "fileinto");
        for capability in Capability::ALL {
            assert_eq!(Capability::by_name(capability.name()), Some(*capability));
        }
        assert!(Capability::ALL.len() <= 64);
    }
}
