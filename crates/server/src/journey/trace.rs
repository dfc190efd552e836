//! Trace fields: `Received` and `Return-Path` (RFC 5321 §4.4, RFC 3848, RFC 6531 §4.3; catalogue A14–A16).

use super::envelope::{ClientName, Road, SessionFacts};
use super::receive::{MailId, Received};
use crate::config::Config;
use jiff::Timestamp;
use std::fmt::Write as _;
use std::net::IpAddr;

/// What a `Received` field tells.
pub(crate) struct Hop<'a> {
    pub(crate) config: &'a Config,
    pub(crate) facts: &'a SessionFacts,
    pub(crate) smtputf8: bool,
    /// As in the reply and the log.
    pub(crate) id: MailId,
    /// The recipient, if there is only one: several shall not read of each other.
    pub(crate) only_recipient: Option<&'a str>,
    pub(crate) time: Timestamp,
}

impl Hop<'_> {
    /// The field with its line end.
    pub(crate) fn received(&self) -> String {
        let mut field = String::with_capacity(320);
        field.push_str("Received: ");
        if !self.is_masked() && !matches!(self.facts.road, Road::Local(_)) {
            self.from(&mut field);
        }
        let hostname = &self.config.hostname;
        let _ = write!(
            field,
            "by {hostname} (Pennyblack{}) with {} id {}",
            self.local_user(),
            self.protocol(),
            self.id
        );
        self.tls(&mut field);
        self.login(&mut field);
        if let Some(recipient) = self.only_recipient {
            let _ = write!(field, "\r\n\tfor <{recipient}>");
        }
        let _ = write!(field, ";\r\n\t{}\r\n", message::date::write(self.time));
        field
    }

    /// Whose program on this machine sent it.
    fn local_user(&self) -> String {
        match &self.facts.road {
            Road::Local(user) => format!(", from user {}", harmless(&user.name)),
            _ => String::new(),
        }
    }

    /// A15: a user's home address is nobody's business.
    fn is_masked(&self) -> bool {
        self.config.mail.mask_source && matches!(self.facts.road, Road::Submission(_))
    }

    fn from(&self, field: &mut String) {
        let helo = self.facts.helo.as_deref().map(harmless).unwrap_or_default();
        let helo = if helo.is_empty() { "unknown" } else { &helo };
        let literal = literal(self.facts.peer.remote.ip());
        let _ = match &self.facts.client {
            ClientName::Confirmed(name) => {
                write!(field, "from {helo} ({} {literal})\r\n\t", harmless(name))
            }
            _ => write!(field, "from {helo} ({literal})\r\n\t"),
        };
    }

    /// RFC 3848: S for TLS, A for a log-in.
    fn protocol(&self) -> String {
        let base = match (&self.facts.road, self.smtputf8, self.facts.esmtp) {
            (Road::Lmtp, false, _) => "LMTP",
            (Road::Lmtp, true, _) => "UTF8LMTP",
            (Road::Local(_), ..) => "local",
            (_, true, _) => "UTF8SMTP",
            (_, false, true) => "ESMTP",
            (_, false, false) => "SMTP",
        };
        let secure = if self.facts.peer.tls.is_some() {
            "S"
        } else {
            ""
        };
        let login = if self.facts.login().is_some() {
            "A"
        } else {
            ""
        };
        format!("{base}{secure}{login}")
    }

    fn tls(&self, field: &mut String) {
        if let Some(tls) = &self.facts.peer.tls {
            let _ = write!(field, "\r\n\t({} {})", tls.version, harmless(&tls.cipher));
        }
    }

    /// A16
    fn login(&self, field: &mut String) {
        match self.facts.login() {
            Some(login) if self.config.mail.received_auth => {
                let _ = write!(field, "\r\n\t(authenticated as {})", login.address);
            }
            _ => {}
        }
    }
}

/// `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3).
fn literal(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => format!("[{ip}]"),
        IpAddr::V6(ip) => format!("[IPv6:{ip}]"),
    }
}

/// A name from outside, with everything replaced that could end a comment or a line.
fn harmless(name: &str) -> String {
    let safe = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    name.chars()
        .take(255)
        .map(|c| if safe(c) { c } else { '?' })
        .collect()
}

/// Our `Received` field.
pub(super) fn received_field(received: &Received) -> String {
    let only_recipient = match received.recipients.as_slice() {
        [only] => Some(only.path.as_str()),
        _ => None,
    };
    let hop = Hop {
        config: &received.config,
        facts: &received.facts,
        smtputf8: received.mail.smtputf8,
        id: received.id,
        only_recipient,
        time: received.time,
    };
    hop.received()
}

/// The field of a final delivery (RFC 5321 §4.4), with its line end.
pub(crate) fn return_path(reverse_path: Option<&str>) -> String {
    format!("Return-Path: <{}>\r\n", reverse_path.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::login::Login;
    use crate::session::tls::TlsFacts;
    use crate::session::{Peer, Protocol, SessionId};

    fn facts(road: Road) -> SessionFacts {
        SessionFacts {
            peer: Peer {
                protocol: Protocol::Smtp,
                session: SessionId(1),
                remote: "198.51.100.7:4000".parse().unwrap(),
                local: "192.0.2.1:25".parse().unwrap(),
                tls: None,
            },
            road,
            helo: Some("client.example".into()),
            esmtp: true,
            client: ClientName::Confirmed("out.client.example".into()),
            impression: Default::default(),
        }
    }

    fn tls() -> TlsFacts {
        TlsFacts {
            version: "TLSv1.3",
            cipher: "TLS_AES_256_GCM_SHA384".into(),
            server_name: None,
            exporter: None,
        }
    }

    fn alice() -> Road {
        Road::Submission(Login {
            account: store::AccountId::from_u128(1),
            address: "alice@example.com".into(),
            mechanism: "PLAIN",
        })
    }

    fn received(
        facts: &SessionFacts,
        configure: impl Fn(&mut Config),
        only_recipient: Option<&str>,
    ) -> String {
        let mut config =
            Config::with_defaults("mx1.example.com", "example.com", "/nowhere".as_ref());
        configure(&mut config);
        let hop = Hop {
            config: &config,
            facts,
            smtputf8: false,
            id: MailId(0x123),
            only_recipient,
            time: Timestamp::from_second(1_795_184_024).unwrap(),
        };
        hop.received()
    }

    /// A14, A3
    #[test]
    fn a14_received_tells_the_hop() {
        let mut facts = facts(Road::Mx);
        assert_eq!(
            received(&facts, |_| {}, Some("bob@example.com")),
            "Received: from client.example (out.client.example [198.51.100.7])\r\n\tby mx1.example.com (Pennyblack) with ESMTP id 0000000000000123\r\n\t\
             for <bob@example.com>;\r\n\tFri, 20 Nov 2026 14:13:44 +0000\r\n"
        );
        facts.peer.tls = Some(tls());
        facts.client = ClientName::Unknown;
        facts.peer.remote = "[2001:db8::7]:4000".parse().unwrap();
        facts.helo = Some("evil)\r\nBcc: x".into());
        assert_eq!(
            received(&facts, |_| {}, None),
            "Received: from evil???Bcc:?x ([IPv6:2001:db8::7])\r\n\tby mx1.example.com (Pennyblack) with ESMTPS id 0000000000000123\r\n\t\
             (TLSv1.3 TLS_AES_256_GCM_SHA384);\r\n\tFri, 20 Nov 2026 14:13:44 +0000\r\n"
        );
    }

    /// A15
    #[test]
    fn a15_a_user_s_address_is_left_out() {
        let facts = facts(alice());
        let field = received(&facts, |_| {}, None);
        assert!(
            field.starts_with(
                "Received: by mx1.example.com (Pennyblack) with ESMTPA id 0000000000000123;"
            ),
            "{field}"
        );
        let shown = received(&facts, |config| config.mail.mask_source = false, None);
        assert!(
            shown.contains("from client.example (out.client.example [198.51.100.7])"),
            "{shown}"
        );
    }

    /// A16
    #[test]
    fn a16_the_account_is_named_on_request() {
        let facts = facts(alice());
        assert!(!received(&facts, |_| {}, None).contains("alice"));
        let named = received(&facts, |config| config.mail.received_auth = true, None);
        assert!(
            named.contains("(authenticated as alice@example.com)"),
            "{named}"
        );
    }

    /// RFC 5321 §4.4, A13
    #[test]
    fn a13_the_null_reverse_path_is_written() {
        assert_eq!(return_path(None), "Return-Path: <>\r\n");
        assert_eq!(return_path(Some("a@b")), "Return-Path: <a@b>\r\n");
    }
}
