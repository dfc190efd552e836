//! The settings, resolved: what the rest of the server reads.
//!
//! Each setting is defined once, in the table of `settings/`: its name, type, default and documentation. From that table come the
//! parser (`load.rs`), `config show` and the commented example, the manual page and `docs/configuration.md` (`describe.rs`).
//! To add a setting, add a field here and an entry there.

mod describe;
mod expiry;
mod fault;
mod field;
mod hidden;
mod imap_rules;
pub(crate) mod interfaces;
mod load;
mod mailboxes;
mod quota;
mod recover;
mod route;
mod scalar;
mod settings;
mod spam;
#[cfg(test)]
mod tests;

pub(crate) use self::spam::weight as spam_weight;
pub use self::spam::{Failure, SpamSettings};
pub use describe::{Shown, example, man, markdown, show};
pub use expiry::Expiry;
pub use fault::{Fault, Faults};
pub use hidden::{Hidden, Looker};
pub use load::{DEFAULT_PATH, Loaded};
pub use quota::Language;
pub use route::{Backup, Hop, Route, RouteTls, Scheme, Sources};
pub use scalar::{parse_duration, parse_name, parse_size, print_size};
pub use settings::{Applies, Default as SettingDefault, SECTIONS, SETTINGS, Setting};

use crate::fetch::Url;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// All settings in force.
#[derive(Clone, Debug)]
pub struct Config {
    /// Name in banner, EHLO, `Received` (catalogue A4).
    pub hostname: String,
    /// The first hosted domain; added to the store on start if it is not there.
    pub domain: String,
    /// Who gets mail to postmaster, abuse and the other RFC 2142 names (A28); `None`: the oldest account.
    pub postmaster: Option<String>,
    /// The data directory.
    pub data: PathBuf,
    /// The control socket; default `DATA/control.sock`.
    pub control_socket: PathBuf,
    /// User to become after binding, when started as root.
    pub user: Option<String>,
    /// Where and how to listen.
    pub listen: Listen,
    /// Limits of size and number.
    pub limits: Limits,
    /// Where tables and bodies are.
    pub store: StoreSettings,
    /// Certificates.
    pub tls: TlsSettings,
    /// Log-ins.
    pub auth: AuthSettings,
    /// Mail in mailboxes.
    pub mail: MailSettings,
    /// Mail from programs on this machine.
    pub local: LocalSettings,
    /// Scripts that file mail.
    pub sieve: SieveSettings,
    /// What IMAP offers.
    pub imap: ImapSettings,
    /// The outbound queue and deliveries to other servers.
    pub queue: QueueSettings,
    /// How mail goes to other servers.
    pub relay: RelaySettings,
    /// `[brake]`
    pub brake: BrakeSettings,
    /// DNS.
    pub dns: DnsSettings,
    /// Who sent a message, and proof of what we send.
    pub authentication: AuthenticationSettings,
    /// What is done with senders before their mail is read.
    pub gate: GateSettings,
    /// Whether mail is wanted.
    pub spam: SpamSettings,
    /// Searching mail.
    pub search: SearchSettings,
    /// Files of accounts, aliases and domains that are kept in step.
    pub tables: TableSettings,
    /// What the filter learns from.
    pub learn: LearnSettings,
    /// What is fetched over HTTP.
    pub fetch: FetchSettings,
    /// Logs.
    pub log: LogSettings,
}

impl Config {
    /// Whom to write to about the server (RFC 5464 §6.2.1).
    pub fn admin_uri(&self) -> String {
        match &self.postmaster {
            Some(address) => format!("mailto:{address}"),
            None => format!("mailto:postmaster@{}", self.domain),
        }
    }
}

/// Files of the admin's own (B8).
#[derive(Clone, Debug, Default)]
pub struct TableSettings {
    /// Domains, one a line.
    pub domains: Option<PathBuf>,
    /// Accounts with their password hashes.
    pub passwd: Option<PathBuf>,
    /// Aliases.
    pub virtuals: Option<PathBuf>,
}

/// What IMAP offers.
#[derive(Clone, Debug, Default)]
pub struct ImapSettings {
    /// Capabilities that are not for everybody; default none (W17).
    pub hide: Vec<Hidden>,
    /// UIDONLY is offered; default no.
    pub uidonly: bool,
    /// URLAUTH is offered; default no.
    pub urlauth: bool,
    /// Messages that a command may concern; default 0, any number.
    pub message_limit: u32,
}

/// Searching mail.
#[derive(Clone, Debug, Default)]
pub struct SearchSettings {
    /// Who has an index; default those who search.
    pub index: SearchIndex,
    /// Messages from which a mailbox is in it; default 2000.
    pub index_from: u32,
}

/// Which accounts have a search index.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SearchIndex {
    /// Those that have searched a large mailbox, where mail is not encrypted.
    #[default]
    Auto,
    /// All.
    Always,
    /// None.
    Never,
}

/// The section `learn`.
#[derive(Clone, Copy, Debug, Default)]
pub struct LearnSettings {
    /// Who learns from what people do with their mail.
    pub from_accounts: LearnFrom,
}

/// Who learns from what people do with their mail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LearnFrom {
    /// Nobody.
    Nobody,
    /// The model of their own account.
    Own,
    /// The model of all accounts besides.
    #[default]
    All,
}

/// The listeners.
#[derive(Clone, Debug, Default)]
pub struct Listen {
    /// Port 25: other servers.
    pub smtp: Listener,
    /// Port 587: submission after STARTTLS.
    pub submission: Listener,
    /// Port 465: submission over TLS from the first octet.
    pub submissions: Listener,
    /// Port 143 (off by default, G2).
    pub imap: Listener,
    /// Port 993.
    pub imaps: Listener,
    /// LMTP (off by default): addresses only on request.
    pub lmtp: Listener,
    /// Programs on this machine, by `sendmail` (A22): a socket alone.
    pub local: Listener,
    /// Loopback addresses of the management listener (X23, X24); empty: off.
    pub manage: Vec<SocketAddr>,
    /// Port 4190: ManageSieve.
    pub managesieve: Listener,
    /// Port 110 (off by default, G22).
    pub pop3: Listener,
    /// Port 995 (off by default, G22).
    pub pop3s: Listener,
}

/// One listener.
#[derive(Clone, Debug, Default)]
pub struct Listener {
    /// Addresses to bind; empty: off.
    pub addresses: Vec<SocketAddr>,
    /// LMTP and local mail alone: a Unix socket to listen on.
    pub socket: Option<PathBuf>,
    /// Whether a password may be sent without TLS.
    pub plaintext_auth: PlaintextAuth,
    /// Proxies whose PROXY v2 header is believed and required (A33); empty: none.
    pub proxies: Vec<IpAddr>,
    /// Port 25 alone: whether users may log in there, after TLS (A20).
    pub auth: bool,
}

/// Whether passwords are taken without TLS.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PlaintextAuth {
    /// Never.
    #[default]
    Never,
    /// From loopback addresses only (`"loopback"`; for trials and tests).
    Loopback,
}

/// Limits.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Largest message, octets; SMTP, LMTP and APPEND alike (A7, A8). Default 35 MB (36,700,160).
    pub message_size: u64,
    /// Recipients in a transaction (A11). Default 1000.
    pub recipients: u32,
    /// Messages in an SMTP session (A11). Default 100.
    pub messages: u32,
    /// `Received` fields before a message counts as looping (A31). Default 100.
    pub hops: u32,
    /// Octets of a header section. Default 256 KiB.
    pub header_size: u32,
    /// Idle time before an SMTP session is cut (A30). Default 300 s.
    pub smtp_timeout: Duration,
    /// Idle time of a logged-in IMAP session. Default 30 min; before login 60 s.
    pub imap_timeout: Duration,
    /// Time of a search before the client is told how far it is. Default 10 s.
    pub imap_progress: Duration,
    /// Sessions at once, all listeners together. Default 10,000.
    pub sessions: u32,
    /// Sessions at once from one address that have not logged in to a mailbox. Default 50.
    pub sessions_per_address: u32,
    /// IMAP and POP3 sessions per account and address (G19, W19). Default 50.
    pub imap_sessions_per_account: u32,
    /// New connections from one address, per listener (R2); loopback is never limited. Default 100 in 10 s.
    pub connection_rate: Rate,
    /// How long sessions may take to end when the server stops. Default 30 s.
    pub shutdown: Duration,
}

/// So many in so much time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many; 0: no limit.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

/// Where the store is.
#[derive(Clone, Debug)]
pub struct StoreSettings {
    /// SQLite or PostgreSQL.
    pub engine: store::Engine,
    /// File with the key of the encryption at rest: 64 hex digits (32 octets), mode 0600.
    pub key_file: Option<PathBuf>,
    /// Bytes that must stay free on the disk. Default 100 MB (S3).
    pub free_floor: u64,
    /// How long the change log remembers. Default 30 days.
    pub history: Duration,
    /// Records of the change log that each account keeps however old they are. Default 1000.
    pub history_floor: u32,
}

/// TLS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsSettings {
    /// Certificate chain and key files; the first is served when no name matches. Empty: a local CA makes one.
    pub certificates: Vec<Certificate>,
    /// Whether a new key waits for its TLSA records, where DNS has some of the old one (L24). Default true.
    pub await_dane: bool,
    /// PEM file of additional CAs that remote servers' certificates may come from.
    pub extra_roots: Option<PathBuf>,
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// PEM chain.
    pub cert: PathBuf,
    /// PEM key.
    pub key: PathBuf,
}

/// Whether SCRAM-SHA-1 can be used to log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScramSha1 {
    /// No, and nothing is kept for it.
    Off,
    /// Not yet: what it needs is made of each password that is seen.
    Prepare,
    /// Yes.
    On,
}

/// Log-ins.
#[derive(Clone, Debug)]
pub struct AuthSettings {
    /// The domain of a log-in name without one (B7); `None`: the only hosted domain.
    pub default_domain: Option<String>,
    /// How long a failed log-in waits for its answer (B23). Default 2 s.
    pub failure_delay: Duration,
    /// How long a right password is remembered (B22). Default 1 h.
    pub cache_time: Duration,
    /// argon2id memory in KiB. Default 65,536.
    pub argon2_memory: u32,
    /// argon2id passes. Default 3.
    pub argon2_passes: u32,
    /// Whether SCRAM-SHA-1 is offered besides SCRAM-SHA-256. Default off.
    pub scram_sha1: ScramSha1,
    /// Log-in with tokens.
    pub oauth: OauthSettings,
}

/// Log-in with tokens of an OAuth 2 issuer (U4).
#[derive(Clone, Debug)]
pub struct OauthSettings {
    /// Where tokens are introspected (RFC 7662); `None`: no log-in with tokens.
    pub introspection: Option<Url>,
    /// The file with our own name and password there, in the line `introspection`.
    pub secrets: Option<PathBuf>,
    /// The fields of the answer that name the user; the first that is there counts.
    pub user: Vec<String>,
    /// Scopes that a token must have, with blanks between them.
    pub scope: Option<String>,
    /// Whom a token must be for (`aud`).
    pub audience: Option<String>,
    /// Where refused clients learn of the issuer.
    pub discovery: Option<Url>,
    /// How long a good answer is remembered. Default 1 min.
    pub cache_time: Duration,
}

impl Default for OauthSettings {
    fn default() -> OauthSettings {
        OauthSettings {
            introspection: None,
            secrets: None,
            user: vec!["email".into(), "username".into()],
            scope: None,
            audience: None,
            discovery: None,
            cache_time: Duration::from_secs(60),
        }
    }
}

/// Mail in mailboxes.
#[derive(Clone, Debug)]
pub struct MailSettings {
    /// Character between local part and tag (A26); `None`: no subaddresses. Default `+`.
    pub subaddress: Option<char>,
    /// Default quota, octets; `None`: unlimited. Default 15 GB (P1).
    pub quota: Option<u64>,
    /// Leave the client's address out of `Received` of submitted mail (A15). Default true.
    pub mask_source: bool,
    /// Name the account in `Received` of submitted mail (A16). Default false.
    pub received_auth: bool,
    /// What happens to mail for a disabled account (B25).
    pub disabled: DisabledMail,
    /// Names of the default mailboxes with their special use (G10, G11).
    pub junk: String,
    /// How long mail stays in which mailboxes (P9), as [`Expiry::parse`] reads it.
    pub autoexpunge: Vec<String>,
    /// Messages that an account may hold by default; 0: any number.
    pub quota_messages: u32,
    /// Mailboxes that may hold more than the quota (P3), like `\Trash +100M`.
    pub quota_extra: Vec<String>,
    /// When users are warned (P6), like `80%`.
    pub quota_warnings: Vec<String>,
    /// Mailboxes that are emptied for new mail (P8), like `\Junk`.
    pub make_room: Vec<String>,
    /// How long removed messages can be put back; 0: not at all. Default 14 days.
    pub undelete: Duration,
    /// Octets of removed messages that an account keeps. Default 15 GB.
    pub undelete_size: Option<u64>,
    /// Who may set quotas over IMAP.
    pub quota_admins: Vec<String>,
    /// The language of letters to users without one of their own.
    pub language: Language,
}

/// Mail from programs on this machine.
#[derive(Clone, Debug, Default)]
pub struct LocalSettings {
    /// Where their messages wait while no server runs (X14); `None`: nowhere.
    pub spool: Option<PathBuf>,
    /// Users, besides root and the server's own, who may send as anybody; `*` is all.
    pub trusted: Vec<String>,
}

/// What happens to mail for a disabled account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DisabledMail {
    /// 550 5.2.1 (default).
    Refuse,
    /// Stored as usual.
    Keep,
}

/// Sieve scripts.
#[derive(Clone, Debug, Default)]
pub struct SieveSettings {
    /// Files and folders of scripts that run before a user's own (H3).
    pub before: Vec<PathBuf>,
    /// The same, after it.
    pub after: Vec<PathBuf>,
    /// The script of users without one (H4).
    pub default: Option<PathBuf>,
    /// The folder of `include :global`.
    pub global: Option<PathBuf>,
    /// The folder of a user's scripts, with %u, %n and %d; `None`: they are in the store (H2).
    pub personal: Option<String>,
    /// The active one there.
    pub personal_active: Option<String>,
    /// Scripts on IMAP events (H26).
    pub imap: Vec<ImapRule>,
    /// The folder of programs that the admin's scripts may start (H27).
    pub programs: Option<PathBuf>,
    /// The folder of the lists that `:list` knows (extlists).
    pub lists: Option<PathBuf>,
    /// Extensions that users' scripts may not require.
    pub without: Vec<String>,
    /// What the admin's scripts find in their environment, as `NAME=VALUE` (H28).
    pub environment: Vec<String>,
    /// Octets of the largest script (H31). Default 1 MB.
    pub max_script_size: u64,
    /// Scripts of one user. Default 100.
    pub max_scripts: u32,
    /// Octets of all scripts of one user. Default 4 MB.
    pub max_storage: u64,
    /// Actions about one message. Default 32.
    pub max_actions: u32,
    /// Redirects among them. Default 4.
    pub max_redirects: u32,
    /// The envelope sender of redirected mail, as a word or an address (H33).
    pub redirect_sender: String,
}

/// Scripts of the admin's for what happens in a mailbox.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImapRule {
    /// The mailbox that the message comes into, or is in; `*` stands for any text.
    pub mailbox: String,
    /// The mailbox that it comes from; `None`: from anywhere, or from none.
    pub from: Option<String>,
    /// `COPY`, `APPEND`, `FLAG`; empty: all.
    pub causes: Vec<String>,
    /// Runs before a script of the user's.
    pub before: Option<PathBuf>,
    /// Runs after it.
    pub after: Option<PathBuf>,
}

/// The outbound queue.
#[derive(Clone, Debug)]
pub struct QueueSettings {
    /// How long a message is tried (C11). Default 4 days.
    pub lifetime: Duration,
    /// Ages at which a delay warning is sent (C13), up to 4. Default 4 h.
    pub warn_after: Vec<Duration>,
    /// The n-th retry comes n² times this after creation (C12). Default 400 s.
    pub retry_base: Duration,
    /// Port of the remote mail servers. Default 25.
    pub port: u16,
    /// Parallel deliveries. Default 20.
    pub concurrency: u32,
    /// Use IPv6 for deliveries. Default true.
    pub ipv6: bool,
    /// Offer DSN to SMTP clients (A32). Default true.
    pub dsn: bool,
    /// Deliver to loopback and private addresses. Default false.
    pub allow_private: bool,
}

/// How much accounts may send.
#[derive(Clone, Debug, Default)]
pub struct BrakeSettings {
    /// The most in an hour and in a day. Defaults: 100 and 500 messages, 500 and 2000 recipients, 200 and 500 first-time recipients.
    pub limits: queue::brake::Limits,
    /// Hold the mail of accounts that send unusually much. Default true.
    pub hold_unusual: bool,
    /// What is unusual. Defaults: above 40 messages, 120 recipients, 40 first-time recipients, and three times the usual.
    pub habit: queue::brake::Habit,
    /// Recipients that may be written to from where an account was never used before. Defaults: 40 from new networks, 10 from new countries.
    pub abroad: queue::brake::Abroad,
    /// A list of addresses and countries.
    pub countries: Option<PathBuf>,
}

/// How mail goes to other servers.
#[derive(Clone, Debug, Default)]
pub struct RelaySettings {
    /// Other ways than MX; the first that fits is taken.
    pub routes: Vec<Route>,
    /// Names and passwords for smarthosts, by label.
    pub secrets: Option<PathBuf>,
    /// What is asked of TLS where nothing else says. Default: opportunistic.
    pub tls: RouteTls,
    /// Obey TLSA records. Default true.
    pub dane: bool,
    /// Obey MTA-STS. Default true.
    pub mta_sts: bool,
    /// Send TLSRPT reports. Default true.
    pub tls_reports: bool,
    /// Connections at once for a domain or route. Default 4.
    pub per_domain: u32,
    /// Connections at once to an address. Default 10.
    pub per_host: u32,
    /// Messages over one connection. Default 100.
    pub messages: u32,
    /// The longest that a provider gets no mail after it refused us. Default 4 hours.
    pub longest_pause: Duration,
    /// Send little to each provider at first. Default false.
    pub ramp_up: bool,
    /// Messages to a provider on the first day. Default 50.
    pub ramp_up_first: u32,
    /// Days until there is no ceiling. Default 30.
    pub ramp_up_days: u32,
    /// Hosts that take what is more. Default none.
    pub ramp_up_overflow: Vec<String>,
}

impl RelaySettings {
    /// Are the mailboxes of this account on another machine: does a route name it and lead there by LMTP (A25)?
    pub(crate) fn keeps_elsewhere(&self, sender: Option<&str>, account: &str) -> bool {
        let mut routes = self.routes.iter();
        let first = routes.find(|route| route.fits(sender, account));
        first.is_some_and(|route| route.hands_over(account))
    }
}

/// DNS.
#[derive(Clone, Debug, Default)]
pub struct DnsSettings {
    /// Who is asked.
    pub mode: DnsMode,
    /// Resolvers to ask, or to fall back to.
    pub servers: Vec<SocketAddr>,
    /// Verify signatures in their answers. Default false.
    pub validate: bool,
    /// Root servers; empty: those of the Internet.
    pub roots: Vec<IpAddr>,
    /// DNSKEY records to trust; `None`: the root's own.
    pub trust_anchor: Option<PathBuf>,
    /// Port of authoritative servers. Default 53.
    pub port: u16,
    /// Ask and believe private addresses. Default false.
    pub allow_private: bool,
}

/// Who is asked for names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DnsMode {
    /// The authoritative servers, from the root on.
    #[default]
    Recursive,
    /// The configured resolvers.
    Forward,
    /// The resolvers of the system.
    System,
}

/// Who sent a message, and proof of what we send.
#[derive(Clone, Debug, Default)]
pub struct AuthenticationSettings {
    /// How long DNS may take to answer for one message. Default 20 s.
    pub timeout: Duration,
    /// Carry DMARC policies out. Default true.
    pub enforce: bool,
    /// Domains whose ARC seals are believed. Lower-case.
    pub trusted_sealers: Vec<String>,
    /// Domains that forward mail to us in ways that break its proof. Lower-case. Default none.
    pub forwarders: Vec<String>,
    /// Sign what our users and this server send. Default true.
    pub sign: bool,
    /// Seal what is forwarded. Default true.
    pub seal: bool,
    /// Rewrite senders of what is forwarded. Default true.
    pub srs: bool,
    /// Send aggregate reports of DMARC. Default true.
    pub dmarc_reports: bool,
    /// Received reports are kept for so long. Default 90 days.
    pub reports_kept: Duration,
}

/// What is done with senders before their mail is read.
#[derive(Clone, Debug, Default)]
pub struct GateSettings {
    /// Who is asked to come again. Default: the doubtful.
    pub greylist: GreylistMode,
    /// What a sender is met again by. Default: identity.
    pub greylist_by: GreylistBy,
    /// A retry counts after so long. Default 5 min.
    pub pass_after: Duration,
    /// A tuple is remembered for so long. Default 4 h.
    pub grey_for: Duration,
    /// Who came again is let in for so long after each message. Default 36 days.
    pub white_for: Duration,
    /// Who wrote to a trap is black for so long. Default 24 h.
    pub trapped_for: Duration,
    /// Block who tries to relay. Default false.
    pub trap_relaying: bool,
    /// Our addresses of low preference: addresses, networks and ranges. Default none.
    pub low_mx: Vec<String>,
    /// Addresses, networks and ranges that are never blocked nor asked to come again (J10).
    pub never: Vec<String>,
    /// Servers of ours that hand over mail of others: addresses, networks and ranges (A17).
    pub relays: Vec<String>,
    /// What is done with mail from outside whose sender is of a domain of ours (A17, A18). Default: it must be proved.
    pub own_domains: OwnDomains,
    /// Domains, proved by SPF or DKIM, that are never asked to come again (J8).
    pub never_domains: Vec<String>,
    /// What is done with a client whose address has no name (J1), and what it is told.
    pub no_name: NameCheck,
    #[allow(missing_docs)]
    pub no_name_text: String,
    /// The same where the name does not lead back (J2).
    pub unconfirmed_name: NameCheck,
    #[allow(missing_docs)]
    pub unconfirmed_name_text: String,
    /// The same where the name is one of a dial-in line (J3).
    pub dynamic_name: NameCheck,
    #[allow(missing_docs)]
    pub dynamic_name_text: String,
    /// Regular expressions of such names.
    pub dynamic_patterns: Vec<String>,
    /// Whether lists and scores of others are asked at all (I22). Default true.
    pub ask_others: bool,
    /// Lists in DNS.
    pub dns_lists: Vec<String>,
    /// The zone of sender scores (J4); `None`: not asked.
    pub score_zone: Option<String>,
    /// Below this score a client is refused.
    pub score_block_below: u32,
    /// Below this score its mail is junk.
    pub score_junk_below: u32,
    /// Milliseconds that each answer is held back at a score of 0.
    pub score_slow_factor: u32,
    /// The file that names black and white lists, in the form of `spamd.conf` (J20).
    pub lists: Option<PathBuf>,
    /// How often a feed is asked at most. Default 1 h.
    pub lists_every: Duration,
    /// Clients that are kept in the tarpit at once (J14). Default 700.
    pub tarpit: u32,
    /// Whether blocked mail is refused for good (550) or for now (450), as spamd does. Default 450.
    pub blocked: BlockedReply,
}

/// Who is asked to come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GreylistMode {
    /// Nobody (J19).
    Off,
    /// Senders of mail that is in doubt, and that proved no identity (J12).
    #[default]
    Doubtful,
    /// Everybody who is not known (J6).
    Strangers,
}

/// What a sender is met again by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum GreylistBy {
    /// Its network, or the domain that SPF or DKIM proved (J7).
    #[default]
    Identity,
    /// Its address and HELO, as spamd does.
    Address,
}

/// What is done with mail from outside whose envelope sender is of a domain hosted here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OwnDomains {
    /// It is judged like any other.
    Accept,
    /// It is refused unless SPF or a signature of the domain proves it.
    #[default]
    Proved,
    /// It is refused at MAIL.
    Refuse,
}

/// What is done about the name of a client's address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NameCheck {
    /// Nothing.
    Off,
    /// It speaks against the mail.
    #[default]
    Score,
    /// The client is not served.
    Refuse,
}

/// How blocked mail is refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BlockedReply {
    /// 450: the sender's server keeps it and tries on.
    #[default]
    Temporary,
    /// 550.
    Permanent,
}

/// HTTP.
#[derive(Clone, Debug, Default)]
pub struct FetchSettings {
    /// Fetch from private addresses too. Default false.
    pub allow_private: bool,
    /// Port of http URLs that name none. Default 80.
    pub http_port: u16,
    /// Port of https URLs that name none. Default 443.
    pub https_port: u16,
}

/// Logs.
#[derive(Clone, Debug)]
pub struct LogSettings {
    /// `text` (logfmt) or `json`.
    pub json: bool,
    /// `error`, `warn`, `info`, `debug`, `trace`, or a tracing filter.
    pub level: String,
}
