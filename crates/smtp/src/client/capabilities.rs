//! What a server says it can do, in its reply to EHLO (RFC 5321 §4.1.1.1).

/// The extensions of a server, as far as they matter for sending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capabilities {
    /// The name that the server calls itself; empty if it does not.
    pub name: String,
    /// RFC 2920: commands may be sent before the replies to earlier ones.
    pub pipelining: bool,
    /// RFC 1870: the largest message, if the server names one.
    pub size: Option<SizeLimit>,
    /// RFC 6152.
    pub eight_bit_mime: bool,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461.
    pub dsn: bool,
    /// RFC 3030.
    pub chunking: bool,
    /// RFC 3207.
    pub starttls: bool,
    /// RFC 8689.
    pub requiretls: bool,
    /// RFC 2852: the shortest time in seconds that it takes with a message to be returned; 0 if it names none.
    pub deliver_by: Option<u32>,
    /// RFC 4954: mechanisms, upper-case.
    pub auth: Vec<String>,
}

/// What SIZE says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeLimit {
    /// The server takes the parameter, and names no limit.
    Unstated,
    /// Octets.
    Octets(u64),
}

impl Capabilities {
    /// Reads the lines of the reply; the first one is the server's name.
    pub fn parse(lines: &[String]) -> Capabilities {
        let greeting = lines.first().map(String::as_str).unwrap_or_default();
        let mut offered = Capabilities {
            name: greeting.split(' ').next().unwrap_or_default().to_string(),
            ..Capabilities::default()
        };
        for line in lines.iter().skip(1) {
            // Some servers still write `AUTH=PLAIN LOGIN`.
            let mut words = line.split([' ', '=']).filter(|word| !word.is_empty());
            if let Some(keyword) = words.next() {
                offered.take(&keyword.to_ascii_uppercase(), words);
            }
        }
        offered
    }

    fn take<'a>(&mut self, keyword: &str, mut words: impl Iterator<Item = &'a str>) {
        match keyword {
            "PIPELINING" => self.pipelining = true,
            "SIZE" => self.size = Some(SizeLimit::parse(words.next())),
            "8BITMIME" => self.eight_bit_mime = true,
            "SMTPUTF8" => self.smtputf8 = true,
            "DSN" => self.dsn = true,
            "CHUNKING" => self.chunking = true,
            "STARTTLS" => self.starttls = true,
            "REQUIRETLS" => self.requiretls = true,
            "DELIVERBY" => {
                let shortest = words.next().and_then(|word| word.parse().ok());
                self.deliver_by = Some(shortest.unwrap_or(0));
            }
            "AUTH" => self.auth.extend(words.map(str::to_ascii_uppercase)),
            _ => {}
        }
    }
}

impl SizeLimit {
    /// RFC 1870 §4: zero means that there is no fixed limit.
    fn parse(word: Option<&str>) -> SizeLimit {
        match word.and_then(|word| word.parse().ok()) {
            None | Some(0) => SizeLimit::Unstated,
            Some(octets) => SizeLimit::Octets(octets),
        }
    }

    /// Is a message of this size too large?
    pub fn is_exceeded_by(self, octets: u64) -> bool {
        matches!(self, SizeLimit::Octets(limit) if octets > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Capabilities {
        Capabilities::parse(&lines.iter().map(ToString::to_string).collect::<Vec<_>>())
    }

    #[test]
    fn rfc_5321_d1_typical_reply() {
        let offered = parse(&["foo.com greets bar.com", "8BITMIME", "SIZE", "DSN", "HELP"]);
        assert!(offered.eight_bit_mime && offered.dsn && !offered.pipelining);
        assert_eq!(offered.size, Some(SizeLimit::Unstated));
    }

    #[test]
    fn the_first_line_offers_nothing_and_case_does_not_matter() {
        let offered = parse(&["PIPELINING", "size 1000", "auth=plain login", "StartTLS"]);
        assert!(!offered.pipelining && offered.starttls);
        assert_eq!(offered.size, Some(SizeLimit::Octets(1000)));
        assert_eq!(offered.auth, ["PLAIN", "LOGIN"]);
    }

    #[test]
    fn rfc_1870_4_zero_is_no_limit() {
        assert!(
            !parse(&["x", "SIZE 0"])
                .size
                .unwrap()
                .is_exceeded_by(u64::MAX)
        );
        assert!(parse(&["x", "SIZE 9"]).size.unwrap().is_exceeded_by(10));
    }
}
