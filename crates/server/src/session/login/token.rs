//! Is a token good, and whose is it? The issuer says, by token introspection (RFC 7662); a good answer is remembered for a short while.
//!
//! Only hashes of tokens are kept. Which account a token's user is, is decided by the caller.

use crate::config::{FetchSettings, OauthSettings};
use crate::fetch::{self, Bounds, Fetched, Method, Network, Reach, Redirects, Request, Url};
use crate::secrets;
use crate::services::Clock;
use crate::session::tls::Tls;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;

/// The label of the line in `auth.oauth.secrets`.
const LABEL: &str = "introspection";
/// The largest answer, octets.
const LARGEST: usize = 64 * 1024;
/// How long the issuer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// Questions to the issuer at once.
const AT_ONCE: usize = 16;
/// Tokens that are remembered: under 3 MB.
const REMEMBERED: usize = 10_000;

/// What a token was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Judgement {
    /// Good, and of this user.
    Of(String),
    /// Not good here; the word is for the log.
    Refused(&'static str),
}

/// What the issuer is asked with.
pub struct Means {
    /// Look-ups.
    pub dns: Arc<dyn dns::Resolver>,
    /// What https is done with.
    pub tls: Arc<Tls>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// Asks the issuer.
pub(super) struct Issuer {
    means: Means,
    known: Known,
    places: Semaphore,
}

impl Issuer {
    /// `secret`: random, of this process.
    pub(super) fn new(secret: &[u8], means: Means) -> Issuer {
        Issuer {
            means,
            known: Known::new(secret),
            places: Semaphore::new(AT_ONCE),
        }
    }

    /// What the token is. An error: the issuer could not be asked, or gave an answer that says nothing.
    pub(super) async fn judge(
        &self,
        settings: &OauthSettings,
        fetching: &FetchSettings,
        token: &str,
    ) -> Result<Judgement, String> {
        let Some(url) = &settings.introspection else {
            return Ok(Judgement::Refused("oauth"));
        };
        let (key, now) = (self.known.key(url, token), self.means.clock.now());
        if let Some(user) = self.known.find(&key, now) {
            return Ok(Judgement::Of(user));
        }
        let reach = Reach {
            settings: fetching.clone(),
            dns: self.means.dns.as_ref(),
            tls: &self.means.tls,
        };
        let request = request(settings, url, token).await?;
        let _place = self.places.acquire().await.map_err(|why| why.to_string())?;
        let said = answer(fetch::fetch(reach, &request).await)?;
        let judgement = judge(settings, &said, now);
        if let Judgement::Of(user) = &judgement {
            let until = remembered_until(settings, &said, now);
            self.known.remember(key, user.clone(), now, until);
        }
        Ok(judgement)
    }
}

/// RFC 7662 §2.1, with HTTP Basic for ourselves (RFC 6749 §2.3.1) where there is a secret.
async fn request(settings: &OauthSettings, url: &Url, token: &str) -> Result<Request, String> {
    let mut fields = vec![("Accept".to_owned(), "application/json".to_owned())];
    if let Some(file) = &settings.secrets {
        let secret = secrets::by_label(file, LABEL).await?;
        let pair = format!("{}:{}", encoded(&secret.user), encoded(&secret.password));
        let basic = format!("Basic {}", STANDARD.encode(pair));
        fields.push(("Authorization".to_owned(), basic));
    }
    let form = format!("token={}&token_type_hint=access_token", encoded(token));
    Ok(Request {
        url: url.clone(),
        method: Method::Post {
            media_type: "application/x-www-form-urlencoded".into(),
            octets: Bytes::from(form),
        },
        fields,
        known: None,
        bounds: Bounds {
            size: LARGEST,
            time: PATIENCE,
            redirects: Redirects::Forbidden,
            network: Network::Anywhere,
        },
    })
}

/// A value of `application/x-www-form-urlencoded`.
fn encoded(text: &str) -> String {
    let octet = |octet: u8| match octet {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' | b'-' | b'.' | b'_' | b'~' => {
            char::from(octet).to_string()
        }
        octet => format!("%{octet:02X}"),
    };
    text.bytes().map(octet).collect()
}

fn answer(fetched: Result<Fetched, fetch::FetchError>) -> Result<Map<String, Value>, String> {
    let answer = match fetched {
        Ok(Fetched::Answer(answer)) => answer,
        Ok(Fetched::Unchanged) => return Err("the issuer answered 304".into()),
        Err(why) => return Err(format!("the issuer cannot be asked: {why}")),
    };
    if !answer.is_success() {
        let hint = match answer.status {
            401 | 403 => " (is the line in auth.oauth.secrets right?)",
            _ => "",
        };
        return Err(format!("the issuer answered {}{hint}", answer.status));
    }
    match serde_json::from_slice(&answer.octets) {
        Ok(Value::Object(said)) => Ok(said),
        _ => Err("the issuer's answer is not a JSON object".into()),
    }
}

/// RFC 7662 §2.2.
fn judge(settings: &OauthSettings, said: &Map<String, Value>, now: Timestamp) -> Judgement {
    let text = |name: &str| said.get(name).and_then(Value::as_str);
    if said.get("active").and_then(Value::as_bool) != Some(true) || is_over(said, now) {
        return Judgement::Refused("token");
    }
    if text("token_type").is_some_and(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Judgement::Refused("token type");
    }
    if let Some(scope) = &settings.scope {
        let granted = text("scope").unwrap_or_default();
        if !scope
            .split(' ')
            .all(|one| granted.split(' ').any(|has| has == one))
        {
            return Judgement::Refused("scope");
        }
    }
    if let Some(audience) = &settings.audience
        && !is_for(said, audience)
    {
        return Judgement::Refused("audience");
    }
    let unproved = said.get("email_verified").and_then(Value::as_bool) == Some(false);
    let mut users = settings
        .user
        .iter()
        .filter(|field| !(unproved && *field == "email"))
        .filter_map(|field| text(field))
        .filter(|user| !user.is_empty());
    match users.next() {
        Some(user) => Judgement::Of(user.to_owned()),
        None => Judgement::Refused("no user"),
    }
}

/// `aud` is a text or a list of them.
fn is_for(said: &Map<String, Value>, audience: &str) -> bool {
    match said.get("aud") {
        Some(Value::String(one)) => one == audience,
        Some(Value::Array(several)) => several.iter().any(|one| one.as_str() == Some(audience)),
        _ => false,
    }
}

/// Past its `exp`, whatever the issuer thinks of it.
fn is_over(said: &Map<String, Value>, now: Timestamp) -> bool {
    expiry(said).is_some_and(|end| end <= now)
}

fn expiry(said: &Map<String, Value>) -> Option<Timestamp> {
    let seconds = said.get("exp")?.as_f64()?;
    Timestamp::from_second(seconds as i64).ok()
}

fn remembered_until(
    settings: &OauthSettings,
    said: &Map<String, Value>,
    now: Timestamp,
) -> Timestamp {
    let most = now.saturating_add(settings.cache_time).unwrap_or(now);
    expiry(said).map_or(most, |end| end.min(most))
}

type Key = [u8; 32];

/// Good tokens.
struct Known {
    secret: hmac::Key,
    users: Mutex<HashMap<Key, (String, Timestamp)>>,
}

impl Known {
    fn new(secret: &[u8]) -> Known {
        Known {
            secret: hmac::Key::new(hmac::HMAC_SHA256, secret),
            users: Mutex::default(),
        }
    }

    /// Of another issuer it is another token.
    fn key(&self, url: &Url, token: &str) -> Key {
        let mut context = hmac::Context::with_key(&self.secret);
        context.update(url.to_string().as_bytes());
        context.update(b"\0");
        context.update(token.as_bytes());
        let mut key = Key::default();
        key.copy_from_slice(&context.sign().as_ref()[..32]);
        key
    }

    fn find(&self, key: &Key, now: Timestamp) -> Option<String> {
        let users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        let (user, until) = users.get(key)?;
        (*until > now).then(|| user.clone())
    }

    fn remember(&self, key: Key, user: String, now: Timestamp, until: Timestamp) {
        if until <= now {
            return;
        }
        let mut users = self.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= REMEMBERED {
            users.retain(|_, (_, until)| *until > now);
        }
        // Full of good ones: who comes again asks again.
        if users.len() >= REMEMBERED {
            users.clear();
        }
        users.insert(key, (user, until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> OauthSettings {
        OauthSettings {
            introspection: Some("https://id.example/introspect".parse().unwrap()),
            ..OauthSettings::default()
        }
    }

    fn judged(settings: &OauthSettings, said: &str) -> Judgement {
        let said: Map<String, Value> = serde_json::from_str(said).unwrap();
        judge(settings, &said, Timestamp::from_second(1_000).unwrap())
    }

    /// U4. RFC 7662 §2.2: what makes a token good.
    #[test]
    fn u4_rfc7662_section_2_2() {
        let plain = settings();
        for (said, judgement) in [
            (r#"{"active":false}"#, Judgement::Refused("token")),
            (
                r#"{"active":"true","email":"a@b"}"#,
                Judgement::Refused("token"),
            ),
            (r#"{"email":"a@b"}"#, Judgement::Refused("token")),
            (
                r#"{"active":true,"exp":999,"email":"a@b"}"#,
                Judgement::Refused("token"),
            ),
            (
                r#"{"active":true,"token_type":"pop","email":"a@b"}"#,
                Judgement::Refused("token type"),
            ),
            (
                r#"{"active":true,"token_type":"Bearer","exp":1001,"email":"a@b"}"#,
                Judgement::Of("a@b".into()),
            ),
            (
                r#"{"active":true,"username":"alice"}"#,
                Judgement::Of("alice".into()),
            ),
            (
                r#"{"active":true,"email":"x@y","email_verified":false,"username":"alice"}"#,
                Judgement::Of("alice".into()),
            ),
            (
                r#"{"active":true,"sub":"4711"}"#,
                Judgement::Refused("no user"),
            ),
        ] {
            assert_eq!(judged(&plain, said), judgement, "{said}");
        }
    }

    #[test]
    fn u4_scope_and_audience() {
        let strict = OauthSettings {
            scope: Some("mail".into()),
            audience: Some("pennyblack".into()),
            ..settings()
        };
        for (said, judgement) in [
            (
                r#"{"active":true,"email":"a@b","aud":"pennyblack"}"#,
                Judgement::Refused("scope"),
            ),
            (
                r#"{"active":true,"email":"a@b","scope":"email mailx","aud":"pennyblack"}"#,
                Judgement::Refused("scope"),
            ),
            (
                r#"{"active":true,"email":"a@b","scope":"email mail"}"#,
                Judgement::Refused("audience"),
            ),
            (
                r#"{"active":true,"email":"a@b","scope":"mail","aud":["x"]}"#,
                Judgement::Refused("audience"),
            ),
            (
                r#"{"active":true,"email":"a@b","scope":"mail","aud":["x","pennyblack"]}"#,
                Judgement::Of("a@b".into()),
            ),
        ] {
            assert_eq!(judged(&strict, said), judgement, "{said}");
        }
    }

    #[test]
    fn a_token_is_remembered_until_it_ends_and_no_longer_than_the_setting_says() {
        let known = Known::new(&[7; 32]);
        let url: Url = "https://id.example/".parse().unwrap();
        let at = |second| Timestamp::from_second(second).unwrap();
        let said = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap();
        let settings = settings();
        let until = remembered_until(&settings, &said(r#"{"exp":1010}"#), at(1000));
        assert_eq!(until, at(1010));
        let most = remembered_until(&settings, &said("{}"), at(1000));
        assert_eq!(most, at(1060));
        let key = known.key(&url, "token");
        known.remember(key, "alice".into(), at(1000), until);
        assert_eq!(known.find(&key, at(1009)), Some("alice".into()));
        assert_eq!(known.find(&key, at(1010)), None);
        assert_eq!(known.find(&known.key(&url, "toke"), at(1000)), None);
    }

    #[test]
    fn forms_are_encoded() {
        assert_eq!(encoded("a+b/c=~ ü"), "a%2Bb%2Fc%3D~%20%C3%BC");
    }
}
