//! What every part of the running server shares.

use crate::config::Config;
use arc_swap::ArcSwap;
use jiff::Timestamp;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Tells the time; tests and the lab turn it by hand.
pub trait Clock: Send + Sync {
    /// Now.
    fn now(&self) -> Timestamp;

    /// Waits until this clock shows `at`, or a little longer.
    fn reached<'a>(&'a self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            while let Some(rest) = rest(self.now(), at) {
                tokio::time::sleep(rest.min(LOOK_AGAIN)).await;
            }
        })
    }
}

/// A clock may be set, and a machine may sleep: who waits looks at the clock this often.
const LOOK_AGAIN: Duration = Duration::from_secs(30);

fn rest(now: Timestamp, at: Timestamp) -> Option<Duration> {
    (now < at).then(|| at.duration_since(now).unsigned_abs())
}

/// The machine's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Handles to everything a session or job needs. Shared as `Arc<Services>`.
pub struct Services {
    /// The settings in force; a reload swaps them.
    pub config: ArcSwap<Config>,
    /// Accounts, mail and queue.
    pub store: store::Store,
    /// Look-ups.
    pub dns: Arc<dyn dns::Resolver>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Certificates and TLS settings of all listeners.
    pub tls: Arc<crate::session::tls::Tls>,
    /// Checks passwords.
    pub login: crate::session::login::Authenticator,
    /// In which country an address is.
    pub countries: crate::countries::CountryList,
    /// What is known of senders before their mail is read.
    pub gate: crate::gate::Gate,
    /// What the filter has learned.
    pub models: Arc<crate::learning::Models>,
    /// What mail is looked at with.
    pub filter: crate::filter::Filter,
    /// Keys that sign what leaves.
    pub(crate) keys: crate::signing::SigningKeys,
    /// Who is logged in.
    pub sessions: crate::session::presence::Sessions,
    /// Conversations that are written down.
    pub recorder: crate::session::recorder::Recorder,
    /// How many sessions there may be.
    pub limits: crate::session::limits::Limits,
    /// Compiled Sieve scripts.
    pub scripts: Arc<crate::scripts::Scripts>,
    /// Which messages mail programs were told of.
    pub(crate) recents: crate::listen::imap::Recents,
    /// Counters.
    pub metrics: crate::session::metrics::Metrics,
    /// Accounts whose owners are to be told how full they are.
    pub(crate) quota_due: crate::quota::Due,
    /// What runs at intervals, and how it went.
    pub jobs: crate::jobs::Jobs,
    /// What is known of the hosts that mail goes to.
    pub routes: crate::journey::relay::Routes,
    /// How much a new address has sent to providers today.
    pub governor: crate::journey::relay::Governor,
    /// The way by which new mail goes out at once.
    pub express: crate::jobs::Express,
    /// Recipients in the queue that somebody is busy with.
    pub in_flight: crate::jobs::InFlight,
    /// Refusals of the last day.
    pub refusals: crate::jobs::Refusals,
    /// How sessions with other servers were secured.
    pub tls_results: crate::journey::relay::TlsResults,
    /// What DMARC came to.
    pub dmarc_results: crate::journey::DmarcResults,
    /// Whose turn it is to read a report that came in.
    pub(crate) report_turn: tokio::sync::Mutex<()>,
    /// What an operator has paused.
    pub paused: Paused,
    /// Cancelled when the server stops: sessions finish their command, say goodbye (421, `* BYE`) and end.
    pub shutdown: CancellationToken,
}

/// What an operator has paused (A34). Nothing is paused after a start.
#[derive(Debug, Default)]
pub struct Paused {
    /// New SMTP, submission and LMTP sessions are told 421.
    pub smtp: watch::Sender<bool>,
    /// Nothing is delivered to other servers; mail waits in the queue.
    pub delivery: watch::Sender<bool>,
}
