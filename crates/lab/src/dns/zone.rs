//! What the name server knows: records, names that fail, and what it says about names that nobody has defined.

use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::tlsa::{CertUsage, Matching, Selector};
use hickory_proto::rr::rdata::{A, AAAA, CNAME, MX, PTR, SOA, TLSA, TXT};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Longest chain of aliases that is followed.
const CHAIN: usize = 8;
/// Octets of a TXT string (RFC 1035 §3.3.14).
const STRING: usize = 255;

/// A name that does not answer as it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// SERVFAIL.
    Fails,
    /// No answer at all.
    Silent,
}

/// Answers for a name and type that nobody has defined.
type Wildcard = Box<dyn Fn(&str, RecordType) -> Option<Vec<RData>> + Send>;

/// All that a name server says.
#[derive(Default)]
pub struct Zone {
    /// By lower-case name without final dot.
    names: BTreeMap<String, Vec<RData>>,
    faults: HashMap<String, Fault>,
    wildcard: Option<Wildcard>,
}

impl Zone {
    /// A zone in which no name exists.
    pub fn new() -> Zone {
        Zone::default()
    }

    /// Reads lines `name TYPE value…` (A, AAAA, MX, TXT, PTR, CNAME; FAILS and SILENT for faults; `;` begins a comment).
    pub fn parse(text: &str) -> Result<Zone, String> {
        let mut zone = Zone::new();
        for line in text.lines() {
            let line = line.split(';').next().unwrap_or_default().trim();
            if !line.is_empty() {
                zone.parse_line(line)
                    .ok_or_else(|| format!("not a record: {line}"))?;
            }
        }
        Ok(zone)
    }

    fn parse_line(&mut self, line: &str) -> Option<()> {
        let (name, rest) = line.split_once(char::is_whitespace)?;
        let rest = rest.trim();
        let (kind, value) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
        let value = value.trim();
        match kind.to_ascii_uppercase().as_str() {
            "A" | "AAAA" => self.address(name, value.parse().ok()?),
            "MX" => {
                let (preference, host) = value.split_once(char::is_whitespace)?;
                self.mx(name, preference.parse().ok()?, host.trim())
            }
            "TXT" => self.txt(name, value.trim_matches('"')),
            "PTR" => self.ptr(name.parse().ok()?, value),
            "CNAME" => self.cname(name, value),
            "FAILS" => self.fault(name, Some(Fault::Fails)),
            "SILENT" => self.fault(name, Some(Fault::Silent)),
            _ => return None,
        };
        Some(())
    }

    /// Adds an A or AAAA record.
    pub fn address(&mut self, name: &str, address: IpAddr) -> &mut Zone {
        let data = match address {
            IpAddr::V4(address) => RData::A(A(address)),
            IpAddr::V6(address) => RData::AAAA(AAAA(address)),
        };
        self.add(name, data)
    }

    /// Adds an MX record; host `.` is the null MX (RFC 7505).
    pub fn mx(&mut self, name: &str, preference: u16, host: &str) -> &mut Zone {
        self.add(name, RData::MX(MX::new(preference, absolute(host))))
    }

    /// Adds a TXT record, cut into strings where it is long.
    pub fn txt(&mut self, name: &str, text: &str) -> &mut Zone {
        let strings = text.as_bytes().chunks(STRING).collect();
        self.add(name, RData::TXT(TXT::from_bytes(strings)))
    }

    /// Adds the name of an address.
    pub fn ptr(&mut self, address: IpAddr, name: &str) -> &mut Zone {
        let reverse = key(&Name::from(address));
        self.add(&reverse, RData::PTR(PTR(absolute(name))))
    }

    /// Adds an alias.
    pub fn cname(&mut self, name: &str, target: &str) -> &mut Zone {
        self.add(name, RData::CNAME(CNAME(absolute(target))))
    }

    /// Adds a TLSA record `3 1 1` of a key, by the SHA-256 of it in hexadecimal.
    pub fn tlsa(&mut self, name: &str, hash: &str) -> &mut Zone {
        let octets = hash.as_bytes().chunks(2).map(|pair| {
            let digits = std::str::from_utf8(pair).unwrap_or_default();
            u8::from_str_radix(digits, 16).unwrap_or_default()
        });
        let (usage, selector) = (CertUsage::from(3), Selector::from(1));
        let tlsa = TLSA::new(usage, selector, Matching::from(1), octets.collect());
        self.add(name, RData::TLSA(tlsa))
    }

    /// Makes a name exist without records, or with none any more.
    pub fn empty(&mut self, name: &str) -> &mut Zone {
        self.names.insert(key(&absolute(name)), Vec::new());
        self
    }

    /// Removes a name with all its records.
    pub fn remove(&mut self, name: &str) -> &mut Zone {
        self.names.remove(&key(&absolute(name)));
        self
    }

    /// Breaks a name, or mends it.
    pub fn fault(&mut self, name: &str, fault: Option<Fault>) -> &mut Zone {
        let name = key(&absolute(name));
        match fault {
            Some(fault) => self.faults.insert(name, fault),
            None => self.faults.remove(&name),
        };
        self
    }

    /// Says what holds for names that are not defined: `None`, the name does not exist; an empty list, it has no such record.
    pub fn otherwise<F>(&mut self, answers: F) -> &mut Zone
    where
        F: Fn(&str, RecordType) -> Option<Vec<RData>> + Send + 'static,
    {
        self.wildcard = Some(Box::new(answers));
        self
    }

    fn add(&mut self, name: &str, data: RData) -> &mut Zone {
        self.names
            .entry(key(&absolute(name)))
            .or_default()
            .push(data);
        self
    }

    /// The answer to a question; `None` for silence.
    pub(super) fn answer(&self, message: &Message) -> Option<Message> {
        let query = message.queries.first()?;
        if message.metadata.message_type != MessageType::Query {
            return None;
        }
        let mut reply = Message::response(message.metadata.id, OpCode::Query);
        reply.metadata.recursion_desired = message.metadata.recursion_desired;
        reply.metadata.recursion_available = true;
        reply.metadata.authoritative = true;
        reply.add_query(query.clone());
        self.fill(&mut reply, query)?;
        Some(reply)
    }

    fn fill(&self, reply: &mut Message, query: &Query) -> Option<()> {
        let mut name = query.name().clone();
        for _ in 0..CHAIN {
            let key = key(&name);
            match self.fault_of(&key) {
                Some(Fault::Silent) => return None,
                Some(Fault::Fails) => {
                    reply.metadata.response_code = ResponseCode::ServFail;
                    return Some(());
                }
                None => {}
            }
            let Some(all) = self.records(&key, query.query_type()) else {
                reply.metadata.response_code = ResponseCode::NXDomain;
                break;
            };
            let (found, alias) = matching(&all, query.query_type());
            reply.add_answers(found.iter().map(|data| record(&name, data.clone())));
            match alias {
                Some(target) => name = target,
                None if found.is_empty() => break,
                None => return Some(()),
            }
        }
        reply.add_authority(start_of_authority());
        Some(())
    }

    /// A fault of a name holds for all names below it.
    fn fault_of(&self, key: &str) -> Option<Fault> {
        let mut name = key;
        loop {
            if let Some(fault) = self.faults.get(name) {
                return Some(*fault);
            }
            name = name.split_once('.')?.1;
        }
    }

    /// All records of a name; `None` if there is no such name.
    fn records(&self, key: &str, kind: RecordType) -> Option<Vec<RData>> {
        if let Some(records) = self.names.get(key) {
            return Some(records.clone());
        }
        // A name exists too if there is something below it (RFC 8020).
        let below = format!(".{key}");
        if self.names.keys().any(|name| name.ends_with(&below)) {
            return Some(Vec::new());
        }
        self.wildcard
            .as_ref()
            .and_then(|answers| answers(key, kind))
    }
}

/// The records of the type, or the alias that stands in their place with its target.
fn matching(all: &[RData], kind: RecordType) -> (Vec<RData>, Option<Name>) {
    let of = |kind| {
        let fits = all.iter().filter(move |data| data.record_type() == kind);
        fits.cloned().collect::<Vec<_>>()
    };
    let found = of(kind);
    match of(RecordType::CNAME).first() {
        Some(RData::CNAME(target)) if found.is_empty() => {
            (of(RecordType::CNAME), Some(target.0.clone()))
        }
        _ => (found, None),
    }
}

/// TTL 0: whoever asks again gets what is true then.
fn record(name: &Name, data: RData) -> Record {
    Record::from_rdata(name.clone(), 0, data)
}

/// Makes an absence believable (RFC 2308 §2).
fn start_of_authority() -> Record {
    let soa = SOA::new(
        absolute("ns.lab"),
        absolute("hostmaster.lab"),
        1,
        1,
        1,
        1,
        0,
    );
    Record::from_rdata(Name::root(), 0, RData::SOA(soa))
}

/// Names in tests and trial are well-formed; one that is not leads to the root, where nothing is.
fn absolute(name: &str) -> Name {
    let mut name = Name::from_utf8(name).unwrap_or_else(|_| Name::root());
    name.set_fqdn(true);
    name
}

fn key(name: &Name) -> String {
    name.to_ascii().trim_end_matches('.').to_lowercase()
}

/// The address that `1.0.0.127.in-addr.arpa` asks for.
pub(crate) fn reversed(name: &str) -> Option<IpAddr> {
    if let Some(four) = name.strip_suffix(".in-addr.arpa") {
        let mut octets: Vec<&str> = four.split('.').collect();
        octets.reverse();
        return octets.join(".").parse::<Ipv4Addr>().ok().map(IpAddr::V4);
    }
    let nibbles: String = name.strip_suffix(".ip6.arpa")?.split('.').rev().collect();
    u128::from_str_radix(&nibbles, 16)
        .ok()
        .map(|bits| IpAddr::V6(Ipv6Addr::from(bits)))
}

/// Records for [`Zone::otherwise`].
pub(crate) fn mx(preference: u16, host: &str) -> RData {
    RData::MX(MX::new(preference, absolute(host)))
}

/// Records for [`Zone::otherwise`].
pub(crate) fn a(address: Ipv4Addr) -> RData {
    RData::A(A(address))
}

/// Records for [`Zone::otherwise`].
pub(crate) fn ptr(name: &str) -> RData {
    RData::PTR(PTR(absolute(name)))
}
