//! The table of settings: each is defined here, once, and nowhere else.

mod local;
mod manage;

use super::Config;
use super::field::Field;
use super::{DisabledMail, Expiry, Language, PlaintextAuth, ScramSha1};
use std::fs;

/// One setting.
pub struct Setting {
    /// Its full name, `section.name`.
    pub key: &'static str,
    /// What it is if the file does not set it.
    pub default: Default,
    /// When a change of it takes effect.
    pub applies: Applies,
    /// What it does, for the manual; the first sentence stands alone.
    pub doc: &'static str,
    /// Its type and its place in [`Config`].
    pub field: Field,
}

/// What a setting is if the file does not set it.
pub enum Default {
    /// It must be set.
    Required,
    /// This TOML value.
    Value(&'static str),
    /// Worked out from the other settings or the machine.
    Derived {
        /// How, in words.
        says: &'static str,
        /// Sets it.
        derive: fn(&mut Config) -> Result<(), String>,
    },
}

/// When a change takes effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Applies {
    /// On reload, for new sessions.
    Reload,
    /// When the server starts.
    Restart,
}

/// The sections and what each is about, in the order of the manual.
pub static SECTIONS: &[(&str, &str)] = &[
    (
        "",
        "Who and where this server is. `domain` is the only setting without a default.",
    ),
    (
        "listen.smtp",
        "Port 25: other servers deliver mail for our domains.",
    ),
    (
        "listen.submission",
        "Port 587: people's mail programs send, after STARTTLS and log-in.",
    ),
    (
        "listen.submissions",
        "Port 465: as 587, with TLS from the first octet.",
    ),
    (
        "listen.imap",
        "Port 143: IMAP with STARTTLS; off, since 993 is better.",
    ),
    (
        "listen.imaps",
        "Port 993: IMAP with TLS from the first octet.",
    ),
    (
        "listen.pop3",
        "Port 110: POP3 with STLS, for programs that fetch mail (docs/pop3.md); off.",
    ),
    (
        "listen.pop3s",
        "Port 995: POP3 with TLS from the first octet; off.",
    ),
    (
        "listen.lmtp",
        "LMTP, for another server on this machine that hands mail over; off.",
    ),
    (
        "listen.local",
        "Mail from programs on this machine, by `sendmail`.",
    ),
    (
        "listen.manage",
        "What monitoring asks: counters and health, over HTTP on this machine; off.",
    ),
    (
        "listen.managesieve",
        "Port 4190: ManageSieve, by which mail programs change Sieve scripts, after STARTTLS and log-in.",
    ),
    ("limits", "Limits of size, number and time."),
    ("store", "Where accounts and mail are kept."),
    ("tls", "Certificates."),
    ("auth", "Log-ins and passwords."),
    (
        "auth.oauth",
        "Log-in with tokens of an identity provider, by OAUTHBEARER and XOAUTH2 (docs/oauth.md); off.",
    ),
    (
        "mail",
        "Mail in mailboxes, and what senders may see of our users.",
    ),
    ("local", "Mail from programs on this machine."),
    (
        "sieve",
        "Scripts that decide where mail is filed (docs/sieve-in-the-server.md).",
    ),
    ("imap", "What IMAP offers, and to whom (docs/imap.md)."),
    ("queue", "Mail to other servers."),
    ("relay", "How mail goes to other servers."),
    ("brake", "How much accounts may send (docs/brake.md)."),
    ("dns", "Look-ups."),
    (
        "authentication",
        "Who sent a message: SPF, DKIM, DMARC and ARC.",
    ),
    (
        "gate",
        "What is done with senders before their mail is read: greylist, lists, names, traps.",
    ),
    ("learn", "What the filter learns from."),
    (
        "spam",
        "Whether mail is wanted: what is looked at, and what follows (docs/spam.md).",
    ),
    ("search", "Searching mail."),
    (
        "tables",
        "Files of the admin's own, read at the start, on reload and by `pennyblack update table`.",
    ),
    ("fetch", "What this server fetches over HTTP."),
    ("log", "Logs."),
];

macro_rules! listener {
    ($place:ident, $section:literal, $default:literal, $port:literal) => {
        [
            Setting {
                key: concat!($section, ".addresses"),
                default: Default::Value($default),
                applies: Applies::Restart,
                doc: "Addresses to listen on. A port alone, or `[::]:PORT`, is all addresses, IPv6 and IPv4; `0.0.0.0:PORT` is IPv4 \
                      alone; `[]` turns the listener off. An interface (`\"lo\"`, `\"eth0:2525\"`) is all its addresses but link-local ones, \
                      `\"egress\"` those of the interface that holds the default route, by family, and a host name those that this \
                      machine knows; they are looked up when this file is read. `inet4` or `inet6` behind any of these \
                      (`\"egress inet4\"`) takes the addresses of that family alone. Without a port it is the usual one of the listener.",
                field: Field::Listen(|c| &mut c.listen.$place.addresses, $port),
            },
            Setting {
                key: concat!($section, ".plaintext_auth"),
                default: Default::Value("\"never\""),
                applies: Applies::Reload,
                doc: "Whether a password may be sent without TLS. `\"loopback\"` allows it from this machine, for trials and tests.",
                field: Field::Word(
                    &["never", "loopback"],
                    |c| usize::from(c.listen.$place.plaintext_auth == PlaintextAuth::Loopback),
                    |c, which| c.listen.$place.plaintext_auth = [PlaintextAuth::Never, PlaintextAuth::Loopback][which.min(1)],
                ),
            },
            Setting {
                key: concat!($section, ".proxies"),
                default: Default::Value("[]"),
                applies: Applies::Reload,
                doc: "Proxies in front of this listener. From these addresses a PROXY v2 header is required and believed; from all \
                      others it is refused.",
                field: Field::Hosts(|c| &mut c.listen.$place.proxies),
            },
        ]
    };
}

/// One line per setting, for the sections that need nothing special.
macro_rules! settings {
    ($($key:literal $applies:ident $default:literal, $field:expr, $doc:literal;)*) => {
        vec![$(Setting {
            key: $key,
            default: Default::Value($default),
            applies: Applies::$applies,
            doc: $doc,
            field: $field,
        }),*]
    };
}

// Sections with a file of their own; they use the macros above.
mod authentication;
mod brake;
mod dns;
mod fetch;
mod gate;
mod imap;
mod learn;
mod relay;
mod search;
mod sieve;
mod spam;
mod tables;

/// A20
fn auth_optional() -> Vec<Setting> {
    settings! {
        "listen.smtp.auth" Reload "false", Field::Flag(|c| &mut c.listen.smtp.auth),
            "Whether users may log in on port 25 too, after STARTTLS, and then send as on 587. Ports 465 and 587 are better.";
    }
}

/// A23
fn lmtp_socket() -> Vec<Setting> {
    settings! {
        "listen.lmtp.socket" Restart "\"\"", Field::OptionalPath(|c| &mut c.listen.lmtp.socket),
            "A Unix socket to listen on besides `addresses`, such as `\"/run/pennyblack/lmtp\"`. Its owner and its group may use it.";
    }
}

/// All settings, by section.
pub static SETTINGS: std::sync::LazyLock<Vec<Setting>> = std::sync::LazyLock::new(|| {
    let mut all = host();
    all.extend(listener!(smtp, "listen.smtp", "[25]", 25));
    all.extend(auth_optional());
    all.extend(listener!(submission, "listen.submission", "[587]", 587));
    all.extend(listener!(submissions, "listen.submissions", "[465]", 465));
    all.extend(listener!(imap, "listen.imap", "[]", 143));
    all.extend(listener!(imaps, "listen.imaps", "[993]", 993));
    all.extend(listener!(pop3, "listen.pop3", "[]", 110));
    all.extend(listener!(pop3s, "listen.pop3s", "[]", 995));
    all.extend(listener!(lmtp, "listen.lmtp", "[]", 24));
    all.extend(lmtp_socket());
    all.extend(local::listener());
    all.extend(manage::settings());
    all.extend(listener!(managesieve, "listen.managesieve", "[4190]", 4190));
    for section in [
        limits(),
        store(),
        tls(),
        auth(),
        oauth(),
        mail(),
        local::settings(),
        sieve::sieve(),
        imap::imap(),
        queue(),
        relay::relay(),
        brake::brake(),
        dns::dns(),
        authentication::authentication(),
        gate::gate(),
        spam::spam(),
        search::search(),
        tables::tables(),
        learn::learn(),
        fetch::fetch(),
        log(),
    ] {
        all.extend(section);
    }
    all
});

fn host() -> Vec<Setting> {
    vec![
        Setting {
            key: "hostname",
            default: Default::Derived {
                says: "the first line of /etc/mailname, else the machine's name",
                derive: machine_name,
            },
            applies: Applies::Reload,
            doc: "This server's name, in its banner, EHLO and `Received` (A4). It should be the name that MX and PTR records show.",
            field: Field::Name(|c| &mut c.hostname),
        },
        Setting {
            key: "domain",
            default: Default::Required,
            applies: Applies::Restart,
            doc: "The first domain whose mail is ours. It is made when the server starts; more come with `pennyblack domain add`.",
            field: Field::Name(|c| &mut c.domain),
        },
        Setting {
            key: "postmaster",
            default: Default::Value("\"\""),
            applies: Applies::Reload,
            doc: "Who gets mail to postmaster, abuse and the other well-known names of each domain (A28). Empty: the oldest account.",
            field: Field::Address(|c| &mut c.postmaster),
        },
        Setting {
            key: "data",
            default: Default::Value("\"/var/lib/pennyblack\""),
            applies: Applies::Restart,
            doc: "The folder that holds everything this server keeps: accounts, mail, queue, its own certificates.",
            field: Field::Path(|c| &mut c.data),
        },
        Setting {
            key: "user",
            default: Default::Value("\"\""),
            applies: Applies::Restart,
            doc: "The user to become for good once the ports are bound and the keys are read, when started as root (T13). Empty: the user \
                  `pennyblack`, which must exist then (`useradd --system pennyblack`). `\"root\"` stays root, and the log says so. \
                  What root kept in `data` before is given to the user.",
            field: Field::OptionalText(|c| &mut c.user),
        },
        Setting {
            key: "control_socket",
            default: Default::Derived {
                says: "`control.sock` in `data`",
                derive: control_socket,
            },
            applies: Applies::Restart,
            doc: "The socket through which the commands of `pennyblack` reach the running server.",
            field: Field::Path(|c| &mut c.control_socket),
        },
    ]
}

fn limits() -> Vec<Setting> {
    settings! {
        "limits.message_size" Reload "\"35M\"", Field::Size(|c| &mut c.limits.message_size, 65_536..=1 << 31),
            "The largest message, received, submitted or appended (A7, A8).";
        "limits.recipients" Reload "1000", Field::Count(|c| &mut c.limits.recipients, 100..=100_000),
            "Recipients in one SMTP transaction (A11). RFC 5321 asks for 100 at least.";
        "limits.messages" Reload "100", Field::Count(|c| &mut c.limits.messages, 1..=1_000_000),
            "Messages in one SMTP session (A11).";
        "limits.hops" Reload "100", Field::Count(|c| &mut c.limits.hops, 10..=1000),
            "`Received` fields after which a message counts as looping (A31).";
        "limits.header_size" Reload "\"256K\"", Field::Size32(|c| &mut c.limits.header_size, 16_384..=16 << 20),
            "The largest header section of a message.";
        "limits.smtp_timeout" Reload "\"300s\"", Field::Time(|c| &mut c.limits.smtp_timeout, 1..=3600),
            "How long an SMTP session may be idle (A30). RFC 5321 asks for five minutes.";
        "limits.imap_timeout" Reload "\"30m\"", Field::Time(|c| &mut c.limits.imap_timeout, 1..=86_400),
            "How long a logged-in IMAP session may be idle. RFC 9051 asks for 30 minutes; before log-in it is 60 seconds.";
        "limits.imap_progress" Reload "\"10s\"", Field::Time(|c| &mut c.limits.imap_progress, 0..=3600),
            "How long a search may take before the client is told how far it is, and then again (INPROGRESS, RFC 9585); 0s tells it after each piece of work.";
        "limits.sessions" Reload "10000", Field::Count(|c| &mut c.limits.sessions, 1..=1_000_000),
            "Sessions at once, all listeners together. Further ones are told 421 or BYE.";
        "limits.sessions_per_address" Reload "50", Field::Count(|c| &mut c.limits.sessions_per_address, 1..=1_000_000),
            "Sessions at once from one address that have not logged in to a mailbox; loopback is not limited. Those that have count by account.";
        "limits.imap_sessions_per_account" Reload "50", Field::Count(|c| &mut c.limits.imap_sessions_per_account, 1..=100_000),
            "IMAP and POP3 sessions at once of one account from one address (G19). Telephones open one for each folder that they watch (W19).";
        "limits.connection_rate" Reload "\"100/10s\"", Field::Rate(|c| &mut c.limits.connection_rate),
            "New connections from one address to one listener (R2); loopback is not limited. Further ones are told 421 or BYE.";
        "limits.shutdown" Reload "\"30s\"", Field::Time(|c| &mut c.limits.shutdown, 0..=3600),
            "How long sessions may take to finish what they are doing when the server stops.";
    }
}

fn store() -> Vec<Setting> {
    settings! {
        "store.engine" Restart "\"sqlite\"", Field::Engine(|c| &mut c.store.engine),
            "What holds accounts, mailboxes and queue. `\"sqlite\"` needs nothing else; `\"postgres:host=/run/postgresql dbname=mail\"` \
             uses a PostgreSQL database. Keep its password in a passfile, not here.";
        "store.key_file" Restart "\"\"", Field::OptionalPath(|c| &mut c.store.key_file),
            "A file with the key that encrypts mail on disk: 64 hexadecimal digits, readable by its owner alone. A server that \
             starts with a new store makes it. Empty: not encrypted. Without the key the mail is lost: keep a copy elsewhere (C20, C21).";
        "store.free_floor" Restart "\"100M\"", Field::Size(|c| &mut c.store.free_floor, 0..=1 << 50),
            "Space that stays free on the disk (S3). Below it mail is refused for now with 452; reading and deleting go on.";
        "store.history" Reload "\"30d\"", Field::Time(|c| &mut c.store.history, 86_400..=315_360_000),
            "How long the change log remembers what happened in mailboxes. A mail program that was away for longer compares the whole \
             mailbox once when it comes back; nothing is lost. Which messages were removed is remembered for as long as their mailbox is.";
        "store.history_floor" Reload "1000", Field::Count(|c| &mut c.store.history_floor, 0..=100_000_000),
            "Entries of the change log that each account keeps however old they are.";
    }
}

fn tls() -> Vec<Setting> {
    settings! {
        "tls.certificates" Reload "[]", Field::Certificates(|c| &mut c.tls.certificates),
            "Certificate chains and their keys, as PEM files. The one whose name the client asks for is shown, else the first. \
             None: the server makes its own, signed by `tls/ca.pem` in `data`.";
        "tls.await_dane" Reload "true", Field::Flag(|c| &mut c.tls.await_dane),
            "Where DNS has TLSA records of a key that is served, go on with the old certificate when its files change to another key, until DNS has had the \
             records of the new one for two TTLs (L24). `pennyblack tls show` prints them. See the page on sending.";
        "tls.extra_roots" Reload "\"\"", Field::OptionalPath(|c| &mut c.tls.extra_roots),
            "A PEM file of authorities, besides those of the system, that other servers' certificates may come from.";
    }
}

fn auth() -> Vec<Setting> {
    settings! {
        "auth.default_domain" Reload "\"\"", Field::OptionalName(|c| &mut c.auth.default_domain),
            "The domain of a log-in name without `@` (B7). Empty: the only hosted domain; if several are hosted, such a name is refused.";
        "auth.failure_delay" Reload "\"2s\"", Field::Time(|c| &mut c.auth.failure_delay, 0..=60),
            "How long the answer to a failed log-in is held back (B23).";
        "auth.cache_time" Reload "\"1h\"", Field::Time(|c| &mut c.auth.cache_time, 0..=86_400),
            "How long a right password is remembered, so that it need not be hashed again (B22). A changed password counts at once.";
        "auth.argon2_memory" Reload "65536", Field::Count(|c| &mut c.auth.argon2_memory, 8192..=4_194_304),
            "KiB of memory that hashing a new password takes (B9).";
        "auth.argon2_passes" Reload "3", Field::Count(|c| &mut c.auth.argon2_passes, 1..=100),
            "Passes over that memory.";
        "auth.scram_sha1" Reload "\"off\"",
            Field::Word(&["off", "prepare", "on"], |c| c.auth.scram_sha1 as usize, |c, which| c.auth.scram_sha1 =
                [ScramSha1::Off, ScramSha1::Prepare, ScramSha1::On][which.min(2)]),
            "Whether mail programs may log in by SCRAM-SHA-1 (RFC 5802), the one mechanism besides PLAIN that RFC 5804 asks of ManageSieve \
             servers; all protocols then offer it, below SCRAM-SHA-256. It needs keys of its own of each password, and whoever steals the store guesses \
             passwords from them faster than from all else in it: hence `\"off\"`. `\"prepare\"`: keys are made when a password is set, and when one \
             is sent (PLAIN, LOGIN), but the mechanism is not offered yet. `\"on\"`: it is; an account without keys fails with it until it logs in \
             with its password once, or is given one, so prepare some time before. Going back to `\"off\"` removes the keys of all accounts, at \
             once on reload, otherwise at the next start.";
    }
}

fn oauth() -> Vec<Setting> {
    settings! {
        "auth.oauth.introspection" Reload "\"\"", Field::OptionalUrl(|c| &mut c.auth.oauth.introspection),
            "The URL where the issuer of tokens says whether one is good and whose it is (RFC 7662). Setting it turns on OAUTHBEARER and XOAUTH2.";
        "auth.oauth.secrets" Reload "\"\"", Field::OptionalPath(|c| &mut c.auth.oauth.secrets),
            "A file with the line `introspection CLIENT:SECRET`: what this server logs in with at that URL. It is read when it is needed; others than \
             its owner must not be able to read it. Empty: it does not log in.";
        "auth.oauth.user" Reload "[\"email\", \"username\"]", Field::Words(|c| &mut c.auth.oauth.user),
            "The fields of the issuer's answer that hold the user's address or log-in name; the first that is there counts. Name none that users may \
             change at the issuer by themselves. `email` does not count where `email_verified` is false.";
        "auth.oauth.scope" Reload "\"\"", Field::OptionalText(|c| &mut c.auth.oauth.scope),
            "Scopes that a token must have, with blanks between them; told to clients that are refused. Without this and `audience`, any good token \
             of the issuer opens the mailbox, whatever it was made for.";
        "auth.oauth.audience" Reload "\"\"", Field::OptionalText(|c| &mut c.auth.oauth.audience),
            "Whom a token must have been made for: its `aud` is this, or a list that holds it.";
        "auth.oauth.discovery" Reload "\"\"", Field::OptionalUrl(|c| &mut c.auth.oauth.discovery),
            "The URL of the issuer's OpenID configuration, told to clients whose token is refused (RFC 7628), so that they find where to get another.";
        "auth.oauth.cache_time" Reload "\"1m\"", Field::Time(|c| &mut c.auth.oauth.cache_time, 0..=3_600),
            "How long a good answer is remembered, and with it how long a revoked token still opens new sessions.";
    }
}

fn mail() -> Vec<Setting> {
    settings! {
        "mail.subaddress" Reload "\"+\"", Field::Character(|c| &mut c.mail.subaddress),
            "The character that begins a tag: with `+`, mail to alice+shop@ reaches alice (A26). Empty: no tags.";
        "mail.quota" Reload "\"15G\"", Field::OptionalSize(|c| &mut c.mail.quota),
            "What an account may hold if nothing else is set for it (P1).";
        "mail.quota_messages" Reload "0", Field::Count(|c| &mut c.mail.quota_messages, 0..=u32::MAX),
            "How many messages an account may hold if nothing else is set for it; 0: any number.";
        "mail.quota_extra" Reload r"['\Trash +100M']",
            Field::Texts(|c| &mut c.mail.quota_extra, "mailboxes with a size", |text| super::quota::parse_extra(text).map(|_| ())),
            r"Mailboxes into which messages come although the account is full, and how much more that may be (P3), so that a mail program can move what is to be deleted: by special use, like `'\Trash +100M'`, or by name.";
        "mail.quota_warnings" Reload "[\"80%\", \"95%\"]",
            Field::Texts(|c| &mut c.mail.quota_warnings, "per cents", |text| super::quota::parse_percent(text).map(|_| ())),
            "How full a mailbox is when its owner is warned, once each time it becomes so full (P6). Who was full is told when his mailbox takes mail again (P7). `[]`: nobody is told anything.";
        "mail.make_room" Reload r"['\Junk', '\Trash']",
            Field::Texts(|c| &mut c.mail.make_room, "mailboxes", |text| super::quota::parse_mailbox(text).map(|_| ())),
            r"Mailboxes whose oldest messages go when a delivery does not fit into the quota, the first mailbox first (P8). `'\Sent'` may be added; `[]` removes nothing, and a full account takes no mail.";
        "mail.undelete" Reload "\"14d\"", Field::Time(|c| &mut c.mail.undelete, 0..=315_360_000),
            "How long a message that was removed from a mailbox can be put back by `pennyblack mailbox undelete`; `\"0s\"`: not at all, \
             and what is removed is gone at once. It does not count towards the quota.";
        "mail.undelete_size" Reload "\"15G\"", Field::OptionalSize(|c| &mut c.mail.undelete_size),
            "How much of that an account keeps; the oldest goes first.";
        "mail.quota_admins" Reload "[]",
            Field::Texts(|c| &mut c.mail.quota_admins, "addresses", |text| message::Address::parse(text).map(|_| ()).map_err(|why| why.to_string())),
            "Accounts that may see and set the quotas of all accounts over IMAP (SETQUOTA, RFC 9208).";
        "mail.language" Reload "\"en\"",
            Field::Word(
                Language::TAGS,
                |c| c.mail.language as usize,
                |c, which| c.mail.language = Language::ALL[which.min(Language::ALL.len() - 1)],
            ),
            "The language of letters from this server to its users, such as warnings about the quota; `pennyblack account language` sets it for one.";
        "mail.mask_source" Reload "true", Field::Flag(|c| &mut c.mail.mask_source),
            "Leave the sender's own network address out of `Received` of submitted mail (A15).";
        "mail.received_auth" Reload "false", Field::Flag(|c| &mut c.mail.received_auth),
            "Name the logged-in account in `Received` of submitted mail (A16).";
        "mail.disabled" Reload "\"refuse\"",
            Field::Word(
                &["refuse", "keep"],
                |c| usize::from(c.mail.disabled == DisabledMail::Keep),
                |c, which| c.mail.disabled = [DisabledMail::Refuse, DisabledMail::Keep][which.min(1)],
            ),
            "What happens to mail for a disabled account (B25): refused with 550, or kept in its mailbox.";
        "mail.junk" Restart "\"Junk\"", Field::Text(|c| &mut c.mail.junk),
            "The name of the mailbox for junk mail (G11): new accounts get it, and it is made where junk comes to somebody who has no mailbox \
             that is marked for it.";
        "mail.autoexpunge" Reload r"['\Junk 30d', '\Trash 30d']",
            Field::Texts(|c| &mut c.mail.autoexpunge, "mailboxes with a time", |text| Expiry::parse(text).map(|_| ())),
            r"Mailboxes whose mail is removed by itself, and how long after it came into them, not how old it is (P9): by special use, like `'\Trash 30d'`, or by name, like `'Lists/daily 14d'`. `[]` removes nothing.";
    }
}

fn queue() -> Vec<Setting> {
    settings! {
        "queue.lifetime" Reload "\"4d\"", Field::Time(|c| &mut c.queue.lifetime, 1..=2_592_000),
            "How long delivery is tried before the sender is told that it failed (C11).";
        "queue.warn_after" Reload "[\"4h\"]", Field::Times(|c| &mut c.queue.warn_after, 4),
            "When the sender is told that a message is late (C13).";
        "queue.retry_base" Reload "\"400s\"", Field::Time(|c| &mut c.queue.retry_base, 1..=86_400),
            "The n-th retry comes n² times this after the message was accepted (C12).";
        "queue.port" Reload "25", Field::Port(|c| &mut c.queue.port),
            "The port of other mail servers. Only a trial has reason to change it.";
        "queue.concurrency" Reload "20", Field::Count(|c| &mut c.queue.concurrency, 1..=10_000),
            "Deliveries at once.";
        "queue.ipv6" Reload "true", Field::Flag(|c| &mut c.queue.ipv6),
            "Deliver over IPv6 where the other server has it.";
        "queue.dsn" Reload "true", Field::Flag(|c| &mut c.queue.dsn),
            "Let senders ask for delivery reports (RFC 3461, A32).";
        "queue.allow_private" Reload "false", Field::Flag(|c| &mut c.queue.allow_private),
            "Deliver to mail servers at loopback and private addresses too. Otherwise a domain whose MX leads there could make this \
             server talk to machines of its own network. A trial, or a relay inside a private network, needs it.";
    }
}

fn log() -> Vec<Setting> {
    settings! {
        "log.format" Restart "\"text\"",
            Field::Word(&["text", "json"], |c| usize::from(c.log.json), |c, which| c.log.json = which == 1),
            "The form of the log on standard error: `name=value` pairs, or JSON; one event is one line (X27).";
        "log.level" Reload "\"info\"", Field::Level(|c| &mut c.log.level),
            "How much is logged: error, warn, info, debug, trace, or a list like `info,server::listen=debug`.";
    }
}

/// A4: the name in /etc/mailname, else the machine's own if it is a full one.
fn machine_name(config: &mut Config) -> Result<(), String> {
    let mailname = fs::read_to_string("/etc/mailname").unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name = [mailname, kernel]
        .iter()
        .filter_map(|text| text.lines().next())
        .filter_map(|line| super::scalar::parse_name(line.trim()).ok())
        .find(|name| name.contains('.'))
        .ok_or(
            "set `hostname`: this machine does not tell its full name, like \"mx1.example.com\"",
        )?;
    config.hostname = name;
    Ok(())
}

fn control_socket(config: &mut Config) -> Result<(), String> {
    config.control_socket = config.data.join("control.sock");
    Ok(())
}
