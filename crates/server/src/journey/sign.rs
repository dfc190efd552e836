//! Seventh stage: what leaves gets our signature (DKIM, RFC 6376), what is passed on gets our seal (ARC, RFC 8617) and a sender of
//! ours (SRS).
//!
//! Mail of our users and of programs here is signed by the keys of its author's domain, whoever has logged in (K8), and once (K1); copies that
//! stay here carry the same signatures (B17), so [`own`] is asked before the mailboxes get theirs.
//! Mail from other servers that an alias leads elsewhere is never signed as if it were ours (I29): it keeps what its author has signed, gets a seal that
//! tells what was found here (K18), and, unless its sender is ours, a reverse-path by which bounces come back (K19, K21). So does what scripts
//! redirect (K20); their own letters are signed when they are made.

use super::authenticate::Authenticated;
use super::envelope::{Refusal, Road};
use super::file::{Delivery, Filed};
use super::receive::Received;
use super::{refusals, srs};
use crate::Services;
use crate::scripts::letters;
use crate::signing::{self, DomainKeys};
use mailauth::arc::Sealing;
use mailauth::dkim::{Algorithm, BodyHashes, BodyId, Signing};
use mailauth::dmarc::author_domains;
use message::header;

/// A message ready to be committed.
pub(crate) struct Signed {
    pub(super) filed: Filed,
    pub(super) outbound: Outbound,
}

/// Fields that we put on top of a message.
const TRACE: [&str; 4] = [
    "Return-Path",
    "Delivered-To",
    "Received",
    "Authentication-Results",
];

/// What is changed in a message before it leaves. Of this, copies in mailboxes here have the signatures of [`own`] alone.
#[derive(Debug, Default)]
pub(crate) struct Outbound {
    /// Signatures, or the seal: header fields, each with its line end.
    pub(super) fields: String,
    /// The reverse-path, if it is another one.
    pub(super) reverse_path: Option<String>,
}

/// Signs, seals, rewrites.
pub(super) async fn sign(mut filed: Filed) -> Result<Signed, Refusal> {
    let Filed {
        authenticated,
        deliveries,
        ..
    } = &mut filed;
    redirected(authenticated, deliveries)
        .await
        .map_err(|error| refusals::store_failed(&error))?;
    let authenticated = &filed.authenticated;
    let received = &authenticated.received;
    let outbound = match &received.facts.road {
        _ if filed.relays.is_empty() => Ok(Outbound::default()),
        Road::Submission(_) | Road::Local(_) => Ok(Outbound {
            fields: filed.signatures.clone(),
            reverse_path: None,
        }),
        Road::Mx | Road::Lmtp => forwarded(authenticated, &filed).await,
    };
    let outbound = outbound.map_err(|error| refusals::store_failed(&error))?;
    Ok(Signed { filed, outbound })
}

/// Our signatures over mail of our own, for every copy; none over mail of others.
pub(super) async fn own(received: &Received) -> Result<String, Refusal> {
    if matches!(received.facts.road, Road::Mx | Road::Lmtp) {
        return Ok(String::new());
    }
    let message = Unsigned {
        services: &received.services,
        section: &received.section,
        bodies: &received.hashes,
        body: received.relaxed,
        now: received.time,
    };
    let signatures = message.signatures().await;
    signatures.map_err(|error| refusals::store_failed(&error))
}

/// A message that is to be signed.
pub(crate) struct Unsigned<'a> {
    pub(crate) services: &'a Services,
    /// Its header section.
    pub(crate) section: &'a [u8],
    pub(crate) bodies: &'a BodyHashes,
    /// The relaxed hash.
    pub(crate) body: BodyId,
    pub(crate) now: jiff::Timestamp,
}

impl Unsigned<'_> {
    /// A field for each key of the author's domain; empty if that is not ours, or if nothing is to be signed.
    pub(crate) async fn signatures(&self) -> store::Result<String> {
        let author = author_domains(self.section).into_iter().next();
        let Some(author) = author.filter(|_| signing::is_on(&self.services.config.load())) else {
            return Ok(String::new());
        };
        let keys = self.keys(&author).await?;
        let Some((hash, _)) = self.bodies.hash(self.body) else {
            return Ok(String::new());
        };
        let mut fields = String::new();
        for key in keys.iter() {
            if self.is_signed_by(&key.domain, &key.selector) {
                continue;
            }
            let signing = Signing {
                domain: &key.domain,
                selector: &key.selector,
                signer: key.signer.as_ref(),
                time: self.now.as_second(),
                expires: None,
            };
            match signing.field(self.section, hash) {
                Ok(field) => {
                    self.services.metrics.signed(key.signer.algorithm().word());
                    fields.push_str(&field);
                }
                Err(why) => {
                    tracing::error!(author, selector = key.selector, error = %why, "cannot sign a message");
                }
            }
        }
        Ok(fields)
    }

    async fn keys(&self, domain: &str) -> store::Result<DomainKeys> {
        let keys = &self.services.keys;
        keys.of(&self.services.store, domain, self.now).await
    }

    /// The header section without our own signatures, if we have signed this message. Only those beside our trace, at the top, are ours for
    /// sure: what comes from outside has a trace of ours above its own fields, and that says from where it came.
    pub(crate) async fn without_own_signatures(&self) -> store::Result<Option<Vec<u8>>> {
        let Some(author) = author_domains(self.section).into_iter().next() else {
            return Ok(None);
        };
        let keys = self.keys(&author).await?;
        let is_ours = |field: &header::Field<'_>| {
            field.is("DKIM-Signature")
                && keys
                    .iter()
                    .any(|key| is_made_with(field.value, &key.domain, &key.selector))
        };
        let (mut section, mut rest, mut signed) = (Vec::new(), 0, false);
        for field in header::fields(self.section) {
            let came_in = field.is("Received") && is_from_outside(&field);
            let is_trace = TRACE.iter().any(|name| field.is(name));
            match is_ours(&field) {
                _ if came_in => return Ok(None),
                true => signed = true,
                false if is_trace => section.extend_from_slice(field.raw),
                false => break,
            }
            rest += field.raw.len();
        }
        section.extend_from_slice(&self.section[rest..]);
        Ok(signed.then_some(section))
    }

    /// K1: what comes back to us from a filter is not signed again.
    fn is_signed_by(&self, domain: &str, selector: &str) -> bool {
        header::values(self.section, "DKIM-Signature")
            .any(|value| is_made_with(value, domain, selector))
    }
}

/// Does this trace of ours name a client that had not logged in?
fn is_from_outside(received: &header::Field<'_>) -> bool {
    let value = received.unfolded();
    let text = String::from_utf8_lossy(&value);
    let protocol = text.split_once("(Pennyblack) with ");
    let protocol = protocol.and_then(|(_, rest)| rest.split(' ').next());
    // RFC 3848: the A says so.
    text.starts_with("from ") && !protocol.is_some_and(|word| word.ends_with('A'))
}

/// Does this signature say that it is made with this key?
fn is_made_with(value: &[u8], domain: &str, selector: &str) -> bool {
    let text = String::from_utf8_lossy(value);
    mailauth::tags::Tags::parse(&text).is_ok_and(|tags| {
        tags.value("d")
            .is_some_and(|d| d.eq_ignore_ascii_case(domain))
            && tags.value("s") == Some(selector)
    })
}

async fn forwarded(authenticated: &Authenticated, filed: &Filed) -> store::Result<Outbound> {
    let received = &authenticated.received;
    let Some(domain) = filed
        .relays
        .iter()
        .find_map(|relay| relay.forwarded_by.clone())
    else {
        return Ok(Outbound::default());
    };
    let reverse_path = match &received.mail.reverse_path {
        Some(sender) => srs::rewritten(&received.services, sender, &domain).await?,
        None => None,
    };
    Ok(Outbound {
        fields: seal(
            authenticated,
            &domain,
            &received.section,
            (&received.hashes, received.relaxed),
        )
        .await?,
        reverse_path,
    })
}

/// What scripts redirect to other servers is sealed too; mail of our own users is signed (K18, K20).
async fn redirected(
    authenticated: &Authenticated,
    deliveries: &mut [Delivery],
) -> store::Result<()> {
    let received = &authenticated.received;
    for delivery in deliveries {
        let address = &delivery.inbox.address;
        let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain);
        for letter in &mut delivery.effects.letters {
            let Some(unsealed) = letter.unsealed.take() else {
                continue;
            };
            let body = (&unsealed.bodies, unsealed.relaxed);
            let fields = match &received.facts.road {
                Road::Submission(_) | Road::Local(_) => {
                    let message = Unsigned {
                        services: &received.services,
                        section: &unsealed.section,
                        bodies: body.0,
                        body: body.1,
                        now: received.time,
                    };
                    message.signatures().await?
                }
                Road::Mx | Road::Lmtp => {
                    seal(authenticated, domain, &unsealed.section, body).await?
                }
            };
            if !fields.is_empty() {
                let (services, section) = (&received.services, &unsealed.section);
                letter.made = letters::fronted(services, &letter.made, section, &fields).await?;
            }
        }
    }
    Ok(())
}

/// K18.
async fn seal(
    authenticated: &Authenticated,
    domain: &str,
    section: &[u8],
    (bodies, relaxed): (&BodyHashes, BodyId),
) -> store::Result<String> {
    let received = &authenticated.received;
    let Some(proof) = authenticated
        .proof
        .as_ref()
        .filter(|_| received.config.authentication.seal)
    else {
        return Ok(String::new());
    };
    let services = &received.services;
    let keys = services
        .keys
        .of(&services.store, domain, received.time)
        .await?;
    // RFC 8617 knows rsa-sha256 alone; other algorithms would break the chain for most verifiers.
    let key = keys
        .iter()
        .find(|key| key.signer.algorithm() == Algorithm::RsaSha256);
    let (Some(key), Some((hash, _))) = (key, bodies.hash(relaxed)) else {
        return Ok(String::new());
    };
    let sealing = Sealing {
        domain: &key.domain,
        selector: &key.selector,
        signer: key.signer.as_ref(),
        time: received.time.as_second(),
        results: &authenticated.results_value(),
    };
    match sealing.fields(section, hash, &proof.arc) {
        Ok(fields) => Ok(fields),
        Err(why) => {
            tracing::debug!(mid = %received.id, error = %why, "a forwarded message is not sealed");
            Ok(String::new())
        }
    }
}
