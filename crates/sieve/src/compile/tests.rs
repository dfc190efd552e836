//! Tests, those of RFC 5228 §5 and of the extensions.

use super::arguments::Arguments;
use super::{Broken, Checked, Checker};
use crate::capability::Capability;
use crate::code::{
    AddressPart, AddressTest, Condition, DateTest, Duplicate, DuplicateId, EnvelopeTest,
    HeaderTest, Test, Text, Transform, Zone,
};
use crate::run::dates;
use crate::syntax;

/// Usual fields in which no address can stand.
const WITHOUT_ADDRESSES: [&str; 10] = [
    "subject",
    "date",
    "message-id",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "content-disposition",
    "list-id",
    "received",
    "references",
];

/// Names that a mistyped test may have meant.
const TESTS: [&str; 33] = [
    "address",
    "allof",
    "anyof",
    "envelope",
    "exists",
    "false",
    "header",
    "not",
    "size",
    "true",
    "string",
    "hasflag",
    "environment",
    "body",
    "date",
    "currentdate",
    "duplicate",
    "spamtest",
    "virustest",
    "mailboxexists",
    "mailboxidexists",
    "specialuse_exists",
    "metadata",
    "metadataexists",
    "servermetadata",
    "servermetadataexists",
    "valid_notify_method",
    "notify_method_capability",
    "valid_ext_list",
    "ihave",
    "execute",
    "filter",
    "keep",
];

impl Checker<'_> {
    /// A test with those inside it; `None` if it was reported.
    pub(super) fn condition(&mut self, test: &syntax::Test) -> Option<Condition> {
        let place = test.place;
        match self.test(test) {
            Ok(test) => Some(Condition { place, test }),
            Err(Broken::Reported) => None,
            Err(Broken::Unavailable(what)) => Some(Condition {
                place,
                test: Test::Unavailable(what.into()),
            }),
        }
    }

    fn test(&mut self, test: &syntax::Test) -> Checked<Test> {
        let name = test.name.to_ascii_lowercase();
        match name.as_str() {
            "allof" => Ok(Test::AllOf(self.several(test)?)),
            "anyof" => Ok(Test::AnyOf(self.several(test)?)),
            "not" => self.not(test),
            _ => self.simple_test(test, &name),
        }
    }

    fn several(&mut self, test: &syntax::Test) -> Checked<Vec<Condition>> {
        self.bare(test)?;
        if test.tests.as_slice().is_empty() {
            let what = format!("`{}` needs tests in parentheses", test.name);
            return self.report(test.place, what, None);
        }
        let inner = test.tests.as_slice().iter();
        let found: Vec<Option<Condition>> = inner.map(|test| self.condition(test)).collect();
        found
            .into_iter()
            .collect::<Option<_>>()
            .ok_or(Broken::Reported)
    }

    fn not(&mut self, test: &syntax::Test) -> Checked<Test> {
        self.bare(test)?;
        match test.tests.as_slice() {
            [one] => {
                let inner = self.condition(one).ok_or(Broken::Reported)?;
                Ok(Test::Not(Box::new(inner)))
            }
            _ => self.report(test.place, "`not` needs exactly one test", None),
        }
    }

    /// It has no arguments but tests.
    fn bare(&mut self, test: &syntax::Test) -> Checked<()> {
        Arguments::new(self, test.place, &test.name, &test.arguments).finish()
    }

    fn simple_test(&mut self, test: &syntax::Test, name: &str) -> Checked<Test> {
        if !TESTS.contains(&name) {
            return self.unknown(test.place, "test", &test.name, &TESTS);
        }
        if let Some(inner) = test.tests.as_slice().first() {
            let what = format!("`{name}` takes no test");
            return self.report(inner.place, what, None);
        }
        let mut arguments = Arguments::new(self, test.place, name, &test.arguments);
        let compiled = arguments.test(name)?;
        arguments.finish()?;
        Ok(compiled)
    }
}

impl Arguments<'_, '_, '_> {
    fn test(&mut self, name: &str) -> Checked<Test> {
        match name {
            "true" => Ok(Test::True),
            "false" => Ok(Test::False),
            "address" => self.address(),
            "envelope" => self.envelope(),
            "exists" => Ok(Test::Exists {
                mime: self.mime()?,
                headers: self.headers()?,
            }),
            "header" => self.header(),
            "size" => self.size(),
            "string" => self.string(),
            "hasflag" => self.has_flag(),
            "environment" => self.environment(),
            "body" => self.body(),
            "date" | "currentdate" => self.date(name == "currentdate"),
            "duplicate" => self.duplicate(),
            "spamtest" => self.spam_test(),
            "virustest" => self.virus_test(),
            _ => self.host_test(name),
        }
    }

    /// Tests of what the host knows.
    fn host_test(&mut self, name: &str) -> Checked<Test> {
        match name {
            "mailboxexists" => {
                self.needs(Capability::Mailbox)?;
                Ok(Test::MailboxExists(self.texts("names of mailboxes")?))
            }
            "mailboxidexists" => {
                self.needs(Capability::MailboxId)?;
                Ok(Test::MailboxIdExists(self.texts("ids of mailboxes")?))
            }
            "specialuse_exists" => self.special_use(),
            "metadata" => self.metadata(Capability::MboxMetadata),
            "servermetadata" => self.metadata(Capability::ServerMetadata),
            "metadataexists" => self.metadata_exists(Capability::MboxMetadata),
            "servermetadataexists" => self.metadata_exists(Capability::ServerMetadata),
            "valid_notify_method" => {
                self.needs(Capability::Enotify)?;
                Ok(Test::ValidNotifyMethod(self.texts("methods")?))
            }
            "notify_method_capability" => self.notify_capability(),
            "valid_ext_list" => {
                self.needs(Capability::ExtLists)?;
                Ok(Test::ValidExtList(self.texts("names of lists")?))
            }
            "ihave" => self.ihave(),
            "execute" => Ok(Test::Execute(Box::new(self.execute()?))),
            "filter" => {
                let (program, arguments) = self.filter()?;
                Ok(Test::Filter { program, arguments })
            }
            _ => self.report(format!("`{name}` is a command, not a test"), None),
        }
    }

    fn headers(&mut self) -> Checked<Vec<Text>> {
        let names = self.texts("names of header fields")?;
        for name in &names {
            if let Some(name) = name.as_constant()
                && !crate::run::is_field_name(name)
            {
                let hint = name
                    .strip_suffix(':')
                    .map(|name| format!("write \"{name}\""));
                let what = format!("\"{name}\" is no name of a header field");
                return self.report(what, hint);
            }
        }
        Ok(names)
    }

    fn address(&mut self) -> Checked<Test> {
        let mime = self.mime()?;
        let index = self.index(&[Capability::Index])?;
        let part = self.address_part()?.unwrap_or(AddressPart::All);
        let how = self.matching()?;
        let headers = self.headers()?;
        for name in headers.iter().filter_map(Text::as_constant) {
            self.holds_addresses(name)?;
        }
        let criterion = self.criterion(how)?;
        Ok(Test::Address(Box::new(AddressTest {
            mime,
            index,
            part,
            headers,
            criterion,
        })))
    }

    /// RFC 5228 §5.1: `address` is for fields that hold addresses. What is not known may hold some.
    fn holds_addresses(&mut self, name: &str) -> Checked<()> {
        if !WITHOUT_ADDRESSES
            .iter()
            .any(|n| n.eq_ignore_ascii_case(name))
        {
            return Ok(());
        }
        let what = format!("`address` cannot test {name:?}, which holds no addresses");
        self.report(what, Some("use `header`".into()))
    }

    fn envelope(&mut self) -> Checked<Test> {
        self.needs(Capability::Envelope)?;
        let part = self.address_part()?;
        let needs = [Capability::Date, Capability::EnvelopeDeliverBy];
        let zone = match self.text_tag("zone", &needs)? {
            Some(zone) => self.zone(zone)?,
            None => Zone::Local,
        };
        let how = self.matching()?;
        let fields = self.texts("\"from\" or \"to\"")?;
        for field in &fields {
            if let Some(field) = field.as_constant() {
                self.envelope_field(field, part)?;
            }
        }
        let criterion = self.criterion(how)?;
        Ok(Test::Envelope(Box::new(EnvelopeTest {
            part: part.unwrap_or(AddressPart::All),
            zone,
            fields,
            criterion,
        })))
    }

    fn envelope_field(&mut self, field: &str, part: Option<AddressPart>) -> Checked<()> {
        let capability = match field.to_ascii_lowercase().as_str() {
            "from" | "to" | "auth" => return Ok(()),
            "notify" | "orcpt" | "ret" | "envid" => Capability::EnvelopeDsn,
            "bytimeabsolute" | "bytimerelative" | "bymode" | "bytrace" => {
                Capability::EnvelopeDeliverBy
            }
            _ => {
                let known = &["from", "to", "auth"];
                return self
                    .checker
                    .unknown(self.place, "envelope part", field, known);
            }
        };
        let what = format!("the envelope part \"{field}\"");
        self.checker.need(self.place, &what, capability)?;
        match part {
            None => Ok(()),
            // RFC 6009 §4, §5
            Some(_) => self.report(
                format!("{what} is no address: leave out `:all`, `:domain` and their like"),
                None,
            ),
        }
    }

    fn header(&mut self) -> Checked<Test> {
        let mime = self.mime_with_option()?;
        let index = self.index(&[Capability::Index])?;
        let how = self.matching()?;
        let headers = self.headers()?;
        let criterion = self.criterion(how)?;
        Ok(Test::Header(Box::new(HeaderTest {
            mime,
            index,
            headers,
            criterion,
        })))
    }

    fn size(&mut self) -> Checked<Test> {
        match self.choice(&[("over", true), ("under", false)])? {
            None => self.report("`size` needs `:over` or `:under`", None),
            Some(over) => Ok(Test::Size {
                over,
                limit: self.number("a number of octets")?,
            }),
        }
    }

    fn string(&mut self) -> Checked<Test> {
        self.needs(Capability::Variables)?;
        let how = self.matching()?;
        let sources = self.texts("strings")?;
        let criterion = self.criterion(how)?;
        Ok(Test::String { sources, criterion })
    }

    fn has_flag(&mut self) -> Checked<Test> {
        self.needs(Capability::Imap4Flags)?;
        let how = self.matching()?;
        let variables = match self.left() {
            2 => {
                self.checker
                    .need(self.place, "flags in a variable", Capability::Variables)?;
                self.texts("names of variables")?
            }
            _ => Vec::new(),
        };
        let criterion = self.criterion(how)?;
        Ok(Test::HasFlag {
            variables,
            criterion,
        })
    }

    fn environment(&mut self) -> Checked<Test> {
        self.needs(Capability::Environment)?;
        let how = self.matching()?;
        let items = self.texts("an item such as \"location\"")?;
        let criterion = self.criterion(how)?;
        Ok(Test::Environment { items, criterion })
    }

    fn body(&mut self) -> Checked<Test> {
        self.needs(Capability::Body)?;
        self.checker.needs_body = true;
        let simple = self.choice(&[("raw", 0), ("text", 1)])?;
        let types = self.texts_tag("content", &[])?;
        let transform = match (simple, types) {
            (Some(_), Some(_)) => {
                return self.report("`:raw`, `:text` and `:content` exclude each other", None);
            }
            (Some(0), None) => Transform::Raw,
            (_, None) => Transform::Text,
            (None, Some(types)) => Transform::Content(types),
        };
        let how = self.matching()?;
        let criterion = self.criterion(how)?;
        Ok(Test::Body {
            transform,
            criterion,
        })
    }

    fn date(&mut self, current: bool) -> Checked<Test> {
        self.needs(Capability::Date)?;
        let fixed = self.text_tag("zone", &[])?;
        let original = !current && self.flag("originalzone", &[])?;
        let zone = match (fixed, original) {
            (Some(_), true) => {
                return self.report("`:zone` and `:originalzone` exclude each other", None);
            }
            (Some(zone), false) => self.zone(zone)?,
            (None, true) => Zone::Original,
            (None, false) => Zone::Local,
        };
        let index = if current {
            None
        } else {
            self.index(&[Capability::Index])?
        };
        let how = self.matching()?;
        let header = if current {
            None
        } else {
            Some(self.text("the name of a header field")?)
        };
        let part = self.text("a part of a date such as \"year\"")?;
        if let Some(name) = part.as_constant()
            && !dates::PARTS
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
        {
            let name = name.to_owned();
            return self
                .checker
                .unknown(self.place, "part of a date", &name, &dates::PARTS);
        }
        let criterion = self.criterion(how)?;
        Ok(Test::Date(Box::new(DateTest {
            header,
            index,
            zone,
            part,
            criterion,
        })))
    }

    fn zone(&mut self, zone: Text) -> Checked<Zone> {
        if zone
            .as_constant()
            .is_some_and(|zone| dates::offset(zone).is_none())
        {
            return self.report("`:zone` needs an offset such as \"+0100\"", None);
        }
        Ok(Zone::Fixed(zone))
    }

    fn duplicate(&mut self) -> Checked<Test> {
        self.needs(Capability::Duplicate)?;
        let handle = self.text_tag("handle", &[])?;
        let header = self.text_tag("header", &[])?;
        let unique = self.text_tag("uniqueid", &[])?;
        let id = match (header, unique) {
            (Some(_), Some(_)) => {
                return self.report("`:header` and `:uniqueid` exclude each other", None);
            }
            (Some(name), None) => DuplicateId::Header(name),
            (None, Some(text)) => DuplicateId::Unique(text),
            (None, None) => DuplicateId::MessageId,
        };
        Ok(Test::Duplicate(Box::new(Duplicate {
            handle,
            id,
            seconds: self.number_tag("seconds", &[])?,
            last: self.flag("last", &[])?,
        })))
    }

    fn spam_test(&mut self) -> Checked<Test> {
        self.needs(Capability::SpamTest)?;
        let percent = self.flag("percent", &[Capability::SpamTestPlus])?;
        let how = self.matching()?;
        let criterion = self.criterion(how)?;
        Ok(Test::Spam { percent, criterion })
    }

    fn virus_test(&mut self) -> Checked<Test> {
        self.needs(Capability::VirusTest)?;
        let how = self.matching()?;
        let criterion = self.criterion(how)?;
        Ok(Test::Virus { criterion })
    }

    fn special_use(&mut self) -> Checked<Test> {
        self.needs(Capability::SpecialUse)?;
        let mailbox = match self.left() {
            2 => Some(self.text("the name of a mailbox")?),
            _ => None,
        };
        let flags = self.texts("special uses such as \"\\\\Junk\"")?;
        Ok(Test::SpecialUseExists { mailbox, flags })
    }

    /// The mailbox of `metadata`; `servermetadata` has none.
    fn metadata_mailbox(&mut self, capability: Capability) -> Checked<Option<Text>> {
        match capability {
            Capability::MboxMetadata => Ok(Some(self.text("the name of a mailbox")?)),
            _ => Ok(None),
        }
    }

    fn metadata(&mut self, capability: Capability) -> Checked<Test> {
        self.needs(capability)?;
        let how = self.matching()?;
        let mailbox = self.metadata_mailbox(capability)?;
        let entry = self.text("the name of an annotation")?;
        let criterion = self.criterion(how)?;
        Ok(Test::Metadata {
            mailbox,
            entry,
            criterion,
        })
    }

    fn metadata_exists(&mut self, capability: Capability) -> Checked<Test> {
        self.needs(capability)?;
        let mailbox = self.metadata_mailbox(capability)?;
        let entries = self.texts("names of annotations")?;
        Ok(Test::MetadataExists { mailbox, entries })
    }

    fn notify_capability(&mut self) -> Checked<Test> {
        self.needs(Capability::Enotify)?;
        let how = self.matching()?;
        let uri = self.text("a method")?;
        let capability = self.text("the name of a capability")?;
        let criterion = self.criterion(how)?;
        Ok(Test::NotifyMethodCapability {
            uri,
            capability,
            criterion,
        })
    }

    /// Known when the script is compiled. What it asks for is there from here on (RFC 5463 §4).
    fn ihave(&mut self) -> Checked<Test> {
        self.needs(Capability::Ihave)?;
        let names = self.plains("names of extensions")?;
        let wanted: Option<Vec<Capability>> =
            names.iter().map(|name| Capability::by_name(name)).collect();
        let available = self.checker.compiler.available;
        let there = |c: Capability| {
            // These change how strings are read, so they count for the whole script or not at all.
            let global = matches!(c, Capability::Variables | Capability::EncodedCharacter);
            available.contains(c) && (!global || self.checker.has(c))
        };
        match wanted.filter(|all| all.iter().all(|c| there(*c))) {
            None => Ok(Test::False),
            Some(all) => {
                all.into_iter().for_each(|c| self.checker.grant(c));
                Ok(Test::True)
            }
        }
    }
}
