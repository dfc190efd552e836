//! What the TLSA records of a mail host ask for (RFC 7672 §2.2), and where they are found when the host's name is an alias.

use crate::Services;
use crate::session::tls::is_usable;
use ::dns::{Located, Proof, Proved, Tlsa};

/// What DANE says of a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Dane {
    /// Nothing: no records, or no proof.
    None,
    /// Records that can be used, found below this name.
    Records {
        /// They.
        records: Vec<Tlsa>,
        /// The TLSA base domain, which the certificate may name.
        base: String,
    },
    /// Records, none of which can be used: TLS is required, with any certificate.
    Unusable,
    /// Whether there are records could not be learned, and there may be: the host must not be used now (§2.1.3).
    Unknown(String),
}

/// What DANE says of the host at this port. `located` is the answer to the question for its addresses.
pub(crate) async fn host(
    services: &Services,
    name: &str,
    located: &Proved<Located>,
    port: u16,
) -> Dane {
    for base in bases(name, located) {
        let records = match services.dns.tlsa(&format!("_{port}._tcp.{base}")).await {
            Ok(records) => records,
            Err(why) => return Dane::Unknown(why.to_string()),
        };
        if records.proof.is_secure() && !records.value.is_empty() {
            return sorted(records.value, base);
        }
    }
    Dane::None
}

/// §2.2.2, §2.2.3: below the name that aliases lead to, then below the host's own, each only if it is proved.
fn bases(name: &str, located: &Proved<Located>) -> Vec<String> {
    let name = name.to_ascii_lowercase();
    let canonical = located.value.canonical.clone();
    match (located.proof.is_secure(), located.value.alias) {
        (true, None) => vec![name],
        (true, Some(_)) => vec![canonical, name],
        (false, Some(Proof::Secure)) => vec![name],
        (false, _) => Vec::new(),
    }
}

fn sorted(records: Vec<Tlsa>, base: String) -> Dane {
    let usable: Vec<Tlsa> = records.into_iter().filter(is_usable).collect();
    match usable.is_empty() {
        true => Dane::Unusable,
        false => Dane::Records {
            records: usable,
            base,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn located(canonical: &str, proof: Proof, alias: Option<Proof>) -> Proved<Located> {
        Proved {
            value: Located {
                addresses: Vec::new(),
                canonical: canonical.into(),
                alias,
            },
            proof,
        }
    }

    #[test]
    fn rfc_7672_2_2_2_where_records_are_looked_for() {
        let secure = Some(Proof::Secure);
        assert_eq!(
            bases("MX.a", &located("mx.a", Proof::Secure, None)),
            ["mx.a"]
        );
        assert_eq!(
            bases("mx.a", &located("y.b", Proof::Secure, secure)),
            ["y.b", "mx.a"]
        );
        assert_eq!(
            bases("mx.a", &located("y.b", Proof::Insecure, secure)),
            ["mx.a"]
        );
        assert!(
            bases(
                "mx.a",
                &located("y.b", Proof::Insecure, Some(Proof::Insecure))
            )
            .is_empty()
        );
        assert!(bases("mx.a", &located("mx.a", Proof::Indeterminate, None)).is_empty());
    }

    #[test]
    fn rfc_7672_2_2_records_that_cannot_be_used() {
        let record = |usage, matching, length| Tlsa {
            usage,
            selector: 1,
            matching,
            data: vec![0; length],
        };
        assert_eq!(
            sorted(vec![record(1, 1, 32), record(3, 1, 31)], "a".into()),
            Dane::Unusable
        );
        assert!(
            matches!(sorted(vec![record(0, 1, 32), record(3, 2, 64)], "a".into()), Dane::Records { records, .. } if records.len() == 1)
        );
    }
}
