//! Counters and gauges under the names of the operator catalogue (X25), as OpenMetrics text (X24).
//!
//! Labels have few values each: protocols, results, reasons; never an address.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Metric, Registry};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// `N` label names with their values.
type Labels<const N: usize> = [(&'static str, &'static str); N];
type Counters<const N: usize> = Family<Labels<N>, Counter>;
type Gauges<const N: usize> = Family<Labels<N>, Gauge>;
type Histograms<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;
type Seconds = Gauge<f64, AtomicU64>;

/// What a new metric is: as its row says, or nothing counted yet.
macro_rules! first {
    () => {
        Default::default()
    };
    ($first:expr) => {
        $first
    };
}

/// Makes the struct of all metrics and its constructor from rows of field, type, first value (where that is not the type's default), name
/// and help.
macro_rules! metrics {
    ($($field:ident: $type:ty $(= $first:expr)?, $name:literal, $help:literal;)*) => {
        /// All counters. Clones count into the same.
        #[derive(Clone)]
        pub struct Metrics {
            registry: Arc<Registry>,
            $($field: $type,)*
        }

        impl Metrics {
            /// All at zero; the process starts now.
            pub fn new() -> Metrics {
                let mut names = Names(Registry::with_prefix("pennyblack"));
                names.process();
                Metrics {
                    $($field: names.add($name, $help, first!($($first)?)),)*
                    registry: Arc::new(names.0),
                }
            }
        }
    };
}

#[rustfmt::skip]
metrics! {
    connections: Gauges<2>, "connections", "Open connections";
    connections_total: Counters<2>, "connections", "Connections by how they ended";
    messages_in: Counters<2>, "smtp_in_messages", "Messages offered to us over SMTP and LMTP";
    rejects_in: Counters<1>, "smtp_in_rejects", "Refused commands and messages";
    tls: Counters<3>, "smtp_tls", "TLS handshakes of SMTP connections";
    auth: Counters<3>, "auth", "Log-ins";
    ratelimited: Counters<1>, "ratelimited", "Refused because a limit was reached";
    accounts_held: Counter, "accounts_held", "Accounts whose mail was held because they sent unusually much";
    bans: Gauges<1>, "bans", "Addresses that are banned";
    blocked: Counters<2>, "smtp_in_blocked", "Clients on a black list or caught by a trap, kept in the tarpit or refused at once";
    greylist: Counters<1>, "greylist", "Messages that the greylist was asked about, by what it said";
    verdicts: Counters<1>, "verdicts", "Messages from other servers by what the filter said";
    dns_lists_off: Gauge, "dns_lists_off", "Lists in DNS that are not asked because they answer wrongly";
    queue_messages: Gauges<1>, "queue_messages", "Messages in the outbound queue";
    queue_oldest: Seconds, "queue_oldest_seconds", "Age of the oldest message in the queue";
    refusals: Counters<1>, "relay_refusals", "Refusals of other servers that are known, by cause";
    relay_sessions: Counters<1>, "relay_sessions", "Sessions with other servers, by what they are trusted for";
    routes_off: Gauges<1>, "relay_hosts_off", "Hosts and providers that get no mail at present, by kind";
    queue_attempts: Counters<2>, "queue_attempts", "Attempts to deliver to another server";
    delivery: Histogram = long(), "delivery_seconds", "Time from acceptance to delivery elsewhere";
    managesieve_commands: Counters<1>, "managesieve_commands", "Commands about Sieve scripts";
    pop3_commands: Counters<1>, "pop3_commands", "POP3 commands";
    sieve_runs: Counters<2>, "sieve_runs", "Runs of Sieve scripts by occasion and result";
    sieve_actions: Counters<1>, "sieve_actions", "Actions that Sieve scripts took";
    imap_commands: Histograms<1> = Histograms::new_with_constructor(short), "imap_command_seconds", "Time to answer an IMAP command";
    store_commit: Histogram = short(), "store_commit_seconds", "Time until a transaction is committed and synced";
    store_syncs: Counter, "store_syncs", "Syncs of the log of the embedded database";
    cert_expiry: Family<[(&'static str, String); 1], Seconds>, "cert_expiry_seconds", "Time until a certificate expires";
    certificates_waiting: Gauge, "certificates_waiting", "Certificates with a new key that wait for their TLSA records";
    signatures: Counters<1>, "signatures", "Signatures over messages that leave by algorithm";
    reports: Counters<2>, "reports", "Reports on DMARC and TLS that were sent, or kept when they came in";
    checks: Counters<2>, "check", "Checks of who sent a message by their result";
    lookups: Counters<1>, "dns_lookups", "Questions to DNS by how they ended: records, absent, failed; bogus is among failed, secure says what was proved";
    lessons: Counters<3>, "spam_lessons", "Messages that the filter was told about";
    searches: Counters<1>, "imap_searches", "Searches for texts in many messages by how the search index helped";
    quota_notices: Counter, "quota_notices", "Letters to users about their full mailboxes";
    made_room: Counter, "quota_made_room", "Old messages removed to make room for new ones";
    job_runs: Counters<2>, "job_runs", "Runs of the jobs at intervals by how they ended";
    job_success: Gauges<1>, "job_last_success_seconds", "When a job last ended well, seconds since 1970";
}

/// Which way a TLS connection was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// By a client of ours.
    In,
    /// By us.
    Out,
}

/// Whether the other side proved its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verified {
    /// It did.
    Yes,
    /// It did not, or was not asked to.
    No,
}

/// A connection that counts as open until this is dropped.
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl Default for Metrics {
    fn default() -> Metrics {
        Metrics::new()
    }
}

impl Metrics {
    /// OpenMetrics text of everything.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = encode(&mut text, &self.registry);
        text
    }

    /// A connection is open. `tls`: from its first octet.
    pub fn connected(&self, proto: &'static str, tls: bool) -> OpenConnection {
        let gauge = self
            .connections
            .get_or_create_owned(&[("proto", proto), ("tls", yes_no(tls))]);
        gauge.inc();
        OpenConnection(gauge)
    }

    /// A connection ended: `ok`, `limited`, `timeout`, `error`, …
    pub fn connection_ended(&self, proto: &'static str, result: &'static str) {
        self.connections_total
            .get_or_create(&[("proto", proto), ("result", result)])
            .inc();
    }

    /// What became of a message at a listener: `accept`, `reject`, `defer`, `junk`, `discard`.
    pub fn message_in(&self, listener: &'static str, action: &'static str) {
        self.messages_in
            .get_or_create(&[("listener", listener), ("action", action)])
            .inc();
    }

    /// A check of who sent a message (`spf`, `dkim`, `dmarc`, `arc`, `iprev`, …) and its result.
    pub fn checked(&self, check: &'static str, result: &'static str) {
        self.checks
            .get_or_create(&[("check", check), ("result", result)])
            .inc();
    }

    /// A signature over a message that leaves.
    pub fn signed(&self, algorithm: &'static str) {
        self.signatures
            .get_or_create(&[("algorithm", algorithm)])
            .inc();
    }

    /// A report (`dmarc`, `tls`) that was `sent` or `kept`.
    pub fn report(&self, kind: &'static str, what: &'static str) {
        self.reports
            .get_or_create(&[("kind", kind), ("what", what)])
            .inc();
    }

    /// A refusal in an SMTP dialogue, by its reason.
    pub fn rejected_in(&self, reason: &'static str) {
        self.rejects_in.get_or_create(&[("reason", reason)]).inc();
    }

    /// A finished TLS handshake of an SMTP connection; `version` as in `TlsFacts`.
    pub fn smtp_tls(&self, direction: Direction, version: &'static str, verified: Verified) {
        let dir = match direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        let labels = [
            ("dir", dir),
            ("version", version),
            ("verified", yes_no(verified == Verified::Yes)),
        ];
        self.tls.get_or_create(&labels).inc();
    }

    /// A ManageSieve command about scripts.
    pub fn managesieve_command(&self, command: &'static str) {
        let labels = [("command", command)];
        self.managesieve_commands.get_or_create(&labels).inc();
    }

    /// So many POP3 commands of this name.
    pub fn pop3_commands(&self, command: &'static str, times: u64) {
        let labels = [("command", command)];
        self.pop3_commands.get_or_create(&labels).inc_by(times);
    }

    /// A run of scripts: `delivery` or `imap`; whether one of them failed.
    pub fn scripts_run(&self, occasion: &'static str, failed: bool) {
        let result = if failed { "failed" } else { "ok" };
        self.sieve_runs
            .get_or_create(&[("occasion", occasion), ("result", result)])
            .inc();
    }

    /// An action of a script: `fileinto`, `redirect`, …
    pub fn script_action(&self, action: &'static str) {
        self.sieve_actions
            .get_or_create(&[("action", action)])
            .inc();
    }

    /// A log-in: `ok`, `refused`, `unavailable`.
    pub fn auth(&self, proto: &'static str, mech: &'static str, result: &'static str) {
        self.auth
            .get_or_create(&[("proto", proto), ("mech", mech), ("result", result)])
            .inc();
    }

    /// The mail of an account is held since now (V10).
    pub fn account_held(&self) {
        self.accounts_held.inc();
    }

    /// A limit was reached: see `TooMany::kind`.
    pub fn ratelimited(&self, kind: &'static str) {
        self.ratelimited.get_or_create(&[("kind", kind)]).inc();
    }

    /// A client on a black list, or caught by a trap.
    pub fn blocked(&self, list: &'static str, tarpit: bool) {
        let how = if tarpit { "tarpit" } else { "refused" };
        let labels = [("list", list), ("how", how)];
        self.blocked.get_or_create(&labels).inc();
    }

    /// What the greylist said of a message: `white`, `came_again` or `wait`.
    pub fn greylisted(&self, result: &'static str) {
        self.greylist.get_or_create(&[("result", result)]).inc();
    }

    /// What the filter said of a message: `accept`, `mark`, `junk`, `junk-seen`, `refuse`, or `failed` if it could not look.
    pub fn judged(&self, verdict: &'static str) {
        self.verdicts.get_or_create(&[("verdict", verdict)]).inc();
    }

    /// Lists in DNS that are ill.
    pub fn dns_lists_off(&self, count: usize) {
        self.dns_lists_off
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// How many addresses are banned for a reason.
    pub fn bans(&self, reason: &'static str, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.bans.get_or_create(&[("reason", reason)]).set(count);
    }

    /// A refusal of another server, by cause (U37).
    pub fn refused(&self, cause: &'static str) {
        self.refusals.get_or_create(&[("cause", cause)]).inc();
    }

    /// A session with another server, by what it is trusted for: `dane`, `mta-sts`, `requiretls`, `settings`, `opportunistic`, `clear`.
    pub fn relay_session(&self, trust: &'static str) {
        self.relay_sessions.get_or_create(&[("trust", trust)]).inc();
    }

    /// How many hosts are `disabled` and providers `paused`.
    pub fn routes_off(&self, kind: &'static str, count: usize) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.routes_off.get_or_create(&[("kind", kind)]).set(count);
    }

    /// How many messages are in the queue in a state.
    pub fn queue_messages(&self, state: &'static str, count: u64) {
        let count = i64::try_from(count).unwrap_or(i64::MAX);
        self.queue_messages
            .get_or_create(&[("state", state)])
            .set(count);
    }

    /// The age of the oldest message in the queue; zero if it is empty.
    pub fn queue_oldest(&self, age: Duration) {
        self.queue_oldest.set(age.as_secs_f64());
    }

    /// An attempt to deliver: `sent`, `deferred`, `bounced`; `provider` names a large one, else `other`.
    pub fn queue_attempt(&self, result: &'static str, provider: &'static str) {
        self.queue_attempts
            .get_or_create(&[("result", result), ("provider", provider)])
            .inc();
    }

    /// A message was delivered elsewhere this long after it was accepted.
    pub fn delivered(&self, after: Duration) {
        self.delivery.observe(after.as_secs_f64());
    }

    /// An IMAP command was answered.
    pub fn imap_command(&self, command: &'static str, took: Duration) {
        self.imap_commands
            .get_or_create(&[("command", command)])
            .observe(took.as_secs_f64());
    }

    /// A transaction was committed and synced.
    pub fn store_commit(&self, took: Duration) {
        self.store_commit.observe(took.as_secs_f64());
    }

    /// The log of the database was synced.
    pub fn store_sync(&self) {
        self.store_syncs.inc();
    }

    /// A served certificate expires in so many seconds (negative: it has).
    pub fn cert_expiry(&self, name: &str, seconds: f64) {
        self.cert_expiry
            .get_or_create(&[("name", name.to_owned())])
            .set(seconds);
    }

    /// How questions to DNS have ended so far (M33).
    pub fn lookups(&self, counts: dns::Counts) {
        let dns::Counts {
            records,
            absent,
            failed,
            bogus,
            secure,
        } = counts;
        for (result, count) in [
            ("records", records),
            ("absent", absent),
            ("failed", failed),
            ("bogus", bogus),
            ("secure", secure),
        ] {
            let counter = self.lookups.get_or_create_owned(&[("result", result)]);
            counter.inc_by(count.saturating_sub(counter.get()));
        }
    }

    /// So many certificates wait for their TLSA records.
    pub fn certificates_waiting(&self, count: usize) {
        self.certificates_waiting
            .set(i64::try_from(count).unwrap_or(i64::MAX));
    }

    /// A search for texts in many messages: `used`, `useless` or `missing` says how the index helped.
    pub fn search(&self, index: &'static str) {
        self.searches.get_or_create(&[("index", index)]).inc();
    }

    /// A user was told how full his mailbox is.
    pub fn quota_notice(&self) {
        self.quota_notices.inc();
    }

    /// So many messages went to make room for new ones.
    pub fn made_room(&self, messages: u64) {
        self.made_room.inc_by(messages);
    }

    /// A message was learned, or was known: what it is, who says so.
    pub fn learned(&self, class: &'static str, origin: &'static str, result: &'static str) {
        let labels = [("class", class), ("origin", origin), ("result", result)];
        self.lessons.get_or_create(&labels).inc();
    }

    /// A job at intervals ended well, at this time in seconds since 1970.
    pub fn job_succeeded(&self, job: &'static str, at: i64) {
        self.job_runs
            .get_or_create(&[("job", job), ("result", "ok")])
            .inc();
        self.job_success.get_or_create(&[("job", job)]).set(at);
    }

    /// A job at intervals failed.
    pub fn job_failed(&self, job: &'static str) {
        self.job_runs
            .get_or_create(&[("job", job), ("result", "failed")])
            .inc();
    }
}

/// The registry while it is filled.
struct Names(Registry);

impl Names {
    /// `_total` of counters and `_bucket` of histograms are appended when written.
    fn add<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        self.0.register(name, help, metric.clone());
        metric
    }

    fn process(&mut self) {
        let build: Gauges<1> = self.add("build_info", "The version that runs", Gauges::default());
        build
            .get_or_create(&[("version", env!("CARGO_PKG_VERSION"))])
            .set(1);
        let start: Seconds = self.add(
            "start_time_seconds",
            "When the process started, seconds since 1970",
            Seconds::default(),
        );
        start.set(
            SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs_f64(),
        );
    }
}

fn yes_no(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

/// 0.1 ms to 52 s.
fn short() -> Histogram {
    Histogram::new(exponential_buckets(0.0001, 2.0, 20))
}

/// 0.1 s to 6 days.
fn long() -> Histogram {
    Histogram::new(exponential_buckets(0.1, 3.0, 15))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// X25
    #[test]
    fn x25_names_and_labels() {
        let metrics = Metrics::new();
        let open = metrics.connected("imap", true);
        metrics.connection_ended("imap", "ok");
        metrics.auth("imap", "PLAIN", "refused");
        metrics.smtp_tls(Direction::In, "TLSv1.3", Verified::No);
        metrics.imap_command("FETCH", Duration::from_millis(3));
        metrics.pop3_commands("RETR", 2);
        metrics.cert_expiry("mx1.example.com", 86400.0);
        let text = metrics.text();
        for line in [
            "pennyblack_connections{proto=\"imap\",tls=\"yes\"} 1",
            "pennyblack_connections_total{proto=\"imap\",result=\"ok\"} 1",
            "pennyblack_auth_total{proto=\"imap\",mech=\"PLAIN\",result=\"refused\"} 1",
            "pennyblack_smtp_tls_total{dir=\"in\",version=\"TLSv1.3\",verified=\"no\"} 1",
            "pennyblack_imap_command_seconds_count{command=\"FETCH\"} 1",
            "pennyblack_pop3_commands_total{command=\"RETR\"} 2",
            "pennyblack_cert_expiry_seconds{name=\"mx1.example.com\"} 86400.0",
            "pennyblack_queue_oldest_seconds 0.0",
            "pennyblack_store_commit_seconds_count 0",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} is not in\n{text}");
        }
        assert!(text.contains("pennyblack_build_info{version=\""));
        drop(open);
        assert!(
            metrics
                .text()
                .contains("pennyblack_connections{proto=\"imap\",tls=\"yes\"} 0")
        );
    }
}
