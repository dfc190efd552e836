//! Fourth stage: is the message wanted, and why?
//!
//! Only what comes from other servers is judged. Mail of a user who has logged in, or of a program on this machine, is exempt because
//! of the road it came by, never because of what it says (I29, B26); a server in front of us has judged what it hands over.
//!
//! Reasons are collected in the order of who may say most: what the gate and DMARC say of the sender, then what the content shows
//! ([`content`]): rules, and what was learned. Their sum decides (I3): accept, mark, junk, junk that nobody need see, refuse. A verdict is
//! given before the 250, so a refusal reaches the sender in the dialogue and never becomes a bounce. Who is asked to come again is
//! decided behind it, in [`super::strangers`].

mod content;
mod headers;
mod others;
mod sender;

pub(crate) use headers::is_result as is_result_field;
pub(super) use sender::Meetings;

use super::authenticate::{Disposition, Proof};
use super::authorize::Authorized;
use super::envelope::{Refusal, Road};
use super::receive::Received;
use super::refusals;
use super::route::{Recipient, Route};
use crate::config::LearnFrom;
use crate::learning::lesson;
use crate::scripts;
use others::Scanned;
use sender::{Reputation, Sender};
use spam::features::Features;
use spam::verdict::{Action, Opinions, Reason, Thresholds, Verdict, Wished};
use store::AccountId;
use store::learn::{Class, Origin};

/// K14: `p=quarantine` makes junk by itself, and other reasons may still make a refusal of it.
const QUARANTINE: f32 = 8.0;
/// I28: it is junk for whoever gets it too.
const TRAP: f32 = 10.0;

/// A verdict, and from which score on what is done.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judgement {
    pub(super) verdict: Verdict,
    pub(super) thresholds: Thresholds,
    /// Whether anybody looked.
    pub(super) judged: bool,
    /// Whether it may be refused: not where somebody else wants it.
    refusable: bool,
}

/// What is thought of a message, by who gets it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Judgements {
    /// For everybody.
    common: Judgement,
    /// For accounts, as they have reasons and thresholds of their own.
    accounts: Vec<(AccountId, Judgement)>,
    /// Who sent it.
    sender: Sender,
    /// What a scanner for viruses found, if one looked.
    scanned: Option<Scanned>,
}

/// A message with a verdict that lets it pass.
pub(crate) struct Judged {
    authorized: Authorized,
    judgements: Judgements,
}

impl Judgement {
    fn of(reasons: Vec<Reason>, thresholds: Thresholds) -> Judgement {
        Judgement {
            verdict: Verdict::of(reasons),
            thresholds,
            judged: true,
            refusable: true,
        }
    }

    /// What is done with the message.
    pub(super) fn action(&self) -> Action {
        match self.thresholds.action(self.verdict.score) {
            _ if !self.judged => Action::Accept,
            Action::Refuse if !self.refusable => Action::JunkSeen,
            action => action,
        }
    }

    /// Does its score speak of junk, or worse?
    fn verdict_is_junk(&self) -> bool {
        self.verdict.score >= self.thresholds.junk_score()
    }

    /// As it is kept with the message.
    fn record(&self) -> store::judgement::Judgement {
        let reason = |reason: &Reason| store::judgement::Reason {
            name: reason.name.clone(),
            weight: reason.weight,
            detail: reason.detail.clone(),
        };
        store::judgement::Judgement {
            score: self.verdict.score,
            action: self.action().name().into(),
            limits: limits(&self.thresholds),
            reasons: self.verdict.reasons.iter().map(reason).collect(),
            senders: Vec::new(),
        }
    }
}

/// As they are kept with a message.
fn limits(thresholds: &Thresholds) -> store::judgement::Limits {
    store::judgement::Limits {
        greylist: thresholds.greylist,
        mark: thresholds.mark,
        junk: thresholds.junk,
        junk_seen: thresholds.junk_seen,
        refuse: thresholds.refuse,
    }
}

impl Judgements {
    /// What scripts of an account may ask (RFC 5235; H29).
    pub(super) fn found(&self, account: AccountId) -> scripts::run::Found {
        let judgement = self.of(account);
        scripts::run::Found {
            spam: judgement.judged.then(|| sieve::SpamScore {
                score: judgement.verdict.score.into(),
                maximum: judgement.thresholds.refuse.into(),
            }),
            virus: self.scanned.map(|scanned| match scanned {
                Scanned::Clean => sieve::VirusVerdict::Clean,
                Scanned::Infected => sieve::VirusVerdict::Infected,
            }),
        }
    }

    /// For an account.
    pub(super) fn of(&self, account: AccountId) -> &Judgement {
        let mut own = self.accounts.iter();
        own.find(|(named, _)| *named == account)
            .map_or(&self.common, |(_, judgement)| judgement)
    }

    /// What is kept with the message of an account; `None` if nobody looked.
    pub(super) fn record(&self, account: AccountId) -> Option<store::judgement::Judgement> {
        let judgement = self.of(account);
        judgement.judged.then(|| store::judgement::Judgement {
            senders: self.sender.names(),
            ..judgement.record()
        })
    }

    /// What is to be remembered of the sender once the message is delivered to these accounts.
    pub(super) fn meetings(&self, accounts: impl Iterator<Item = AccountId>) -> Meetings {
        if !self.common.judged {
            return Meetings::default();
        }
        let taken = |account: AccountId| (account, self.of(account).action().is_junk());
        Meetings::with(&self.sender, &accounts.map(taken).collect::<Vec<_>>())
    }

    /// The one to be written into the message: that of the only account that gets it, else the common one.
    pub(super) fn shown(&self) -> &Judgement {
        match self.accounts.as_slice() {
            [(_, only)] => only,
            _ => &self.common,
        }
    }

    /// The lowest score: who is wanted by somebody is not put off.
    fn lowest(&self) -> f32 {
        let all = self.accounts.iter().map(|(_, judgement)| judgement);
        let scores = all.map(|judgement| judgement.verdict.score);
        scores
            .fold(f32::INFINITY, f32::min)
            .min(match self.accounts.is_empty() {
                true => self.common.verdict.score,
                false => f32::INFINITY,
            })
    }
}

impl Judged {
    pub(super) fn received(&self) -> &Received {
        self.authorized.received()
    }

    /// What is proved about the sender, on the MX road.
    pub(super) fn proof(&self) -> Option<&Proof> {
        self.authorized.proof()
    }

    /// Is the message in doubt, so that a stranger is asked to come again (I3)?
    pub(super) fn is_doubtful(&self) -> bool {
        self.judgements.lowest() >= self.judgements.common.thresholds.greylist
    }

    /// The same refusal with what was found.
    pub(super) fn told(&self, refusal: Refusal) -> Refusal {
        match self.judgements.common.judged {
            true => refusal.judged(self.judgements.shown().record()),
            false => refusal,
        }
    }

    pub(super) fn into_parts(self) -> (Authorized, Judgements) {
        (self.authorized, self.judgements)
    }
}

/// Judges.
pub(super) async fn judge(authorized: Authorized) -> Result<Judged, Refusal> {
    let received = authorized.received();
    let judgements = match &received.facts.road {
        Road::Mx => of_a_stranger(&authorized).await?,
        Road::Submission(_) | Road::Lmtp | Road::Local(_) => Judgements::default(),
    };
    Ok(Judged {
        judgements,
        authorized,
    })
}

async fn of_a_stranger(authorized: &Authorized) -> Result<Judgements, Refusal> {
    let received = authorized.received();
    let sender = Sender::of(received, authorized.proof());
    let looked = content::look(received).await?;
    let bands = looked.opinions.bands;
    let reputation = sender.reputation(received, accounts(received), bands).await;
    let reputation = reputation.map_err(|why| refusals::store_failed(&why))?;
    let mut reasons = sender.listed(received);
    reasons.extend(of_the_sender(authorized));
    reasons.extend(looked.reasons);
    let said = others::ask(received, &looked.names).await?;
    reasons.extend(said.reasons);
    let found = Found {
        reasons,
        reputation,
        opinions: looked.opinions,
    };
    let mut judgements = found.weighed(received, sender);
    judgements.scanned = said.scanned;
    if let Some(features) = looked.of_trap {
        learn_of_trap(received, &features, &judgements).await;
    }
    received
        .services
        .metrics
        .judged(judgements.common.action().name());
    refuse_or_keep(received, &mut judgements)?;
    Ok(judgements)
}

/// What is known without a look at the content.
fn of_the_sender(authorized: &Authorized) -> Vec<Reason> {
    let received = authorized.received();
    let mut reasons = received.facts.impression.reasons.clone();
    reasons.extend(quarantine(authorized));
    reasons.extend(trap(received));
    reasons
}

/// The policy of the author's domain.
fn quarantine(authorized: &Authorized) -> Option<Reason> {
    let proof = authorized
        .proof()
        .filter(|proof| proof.disposition == Disposition::Quarantine)?;
    let detail = format!(
        "{} wants mail that is not proved to be its own treated as suspicious; {}",
        proof.dmarc.author, proof.dmarc.reason
    );
    Some(Reason::new("DMARC_QUARANTINE", QUARANTINE, detail))
}

/// An address among the recipients that only spam is sent to.
fn trap(received: &Received) -> Option<Reason> {
    let trap = received.recipients.iter().find(|r| r.is_trap())?;
    let detail = format!(
        "it goes to {} too, an address that only spam is sent to",
        trap.path
    );
    Some(Reason::new("SPAM_TRAP", TRAP, detail))
}

/// I28: what is sent to such an address teaches all, unless somebody else wants it. The sender is told nothing of it, and whether it works is no
/// matter of the message.
async fn learn_of_trap(received: &Received, features: &Features, judgements: &Judgements) {
    let services = &received.services;
    let is_wanted = |(_, own): &(AccountId, Judgement)| !own.verdict_is_junk();
    if judgements.accounts.iter().any(is_wanted) || !services.filter.takes_from_trap(received.time)
    {
        return;
    }
    let lesson = lesson::of(
        None,
        None,
        features,
        Class::Spam,
        Origin::Trap,
        LearnFrom::All,
    );
    let lessons = std::sync::Arc::new(vec![lesson]);
    let teach = move |tx: &mut store::Tx<'_>| lesson::teach_all(tx, &lessons);
    match services.store.write(teach).await {
        Ok(_) => services.metrics.learned("spam", Origin::Trap.name(), "new"),
        Err(why) => {
            tracing::warn!(mid = %received.id, error = %why, "a message to a trap was not learned")
        }
    }
}

/// The accounts that the recipients lead to, each once.
fn accounts(received: &Received) -> Vec<AccountId> {
    let mut accounts = Vec::new();
    for route in received.recipients.iter().flat_map(|r| &r.routes) {
        if let Route::File(inbox) = route
            && !accounts.contains(&inbox.account)
        {
            accounts.push(inbox.account);
        }
    }
    accounts
}

/// Everything that was found.
struct Found {
    reasons: Vec<Reason>,
    reputation: Reputation,
    opinions: Opinions,
}

impl Found {
    /// Brings it together, for all and for each account, and weighs it as the settings say.
    fn weighed(self, received: &Received, sender: Sender) -> Judgements {
        let settings = &received.config.spam;
        let common: Vec<Reason> = self
            .reputation
            .general
            .iter()
            .chain(&self.reasons)
            .chain(&self.opinions.server)
            .cloned()
            .collect();
        let of = |mut reasons: Vec<Reason>, thresholds: Thresholds| {
            settings.reweigh(&mut reasons);
            Judgement::of(reasons, thresholds)
        };
        let own = |account: AccountId| {
            let all = self.personal(account).chain(&common);
            let thresholds = self.wished(account, settings.thresholds());
            (account, of(all.cloned().collect(), thresholds))
        };
        Judgements {
            accounts: accounts(received).into_iter().map(own).collect(),
            common: of(common, settings.thresholds()),
            sender,
            scanned: None,
        }
    }

    /// The thresholds, as an account wishes them.
    fn wished(&self, account: AccountId, usual: Thresholds) -> Thresholds {
        let mut all = self.reputation.wishes.iter();
        let Some((_, wishes)) = all.find(|(whose, _)| *whose == account) else {
            return usual;
        };
        usual.with(&Wished {
            mark: wishes.mark,
            junk: wishes.junk,
            junk_seen: wishes.junk_seen,
            refuse: wishes.refuse,
        })
    }

    /// What only this account has to say.
    fn personal(&self, account: AccountId) -> impl Iterator<Item = &Reason> {
        let known = self.reputation.personal.iter();
        let known = known.filter(move |(named, _)| *named == account);
        let learned = self.opinions.accounts.iter();
        let learned = learned.filter(move |(named, _)| *named == account.as_u128());
        let known = known.flat_map(|(_, reasons)| reasons);
        known.chain(learned.map(|(_, reason)| reason))
    }
}

/// Refuses what nobody wants (I2). Where somebody takes it, it is junk for those who would have refused it, since there is one
/// reply for all. Who writes to traps alone is told nothing (I28).
fn refuse_or_keep(received: &Received, judgements: &mut Judgements) -> Result<(), Refusal> {
    let refuses = |judgement: &Judgement| judgement.action() == Action::Refuse;
    let elsewhere = received
        .recipients
        .iter()
        .flat_map(|r| &r.routes)
        .any(|route| matches!(route, Route::Relay(_)));
    let by_all = judgements.accounts.iter().all(|(_, own)| refuses(own))
        && (refuses(&judgements.common) || !elsewhere && !judgements.accounts.is_empty());
    if by_all && !received.recipients.iter().all(Recipient::is_trap) {
        return Err(refusal(judgements.shown()));
    }
    judgements.common.refusable = false;
    for (_, own) in &mut judgements.accounts {
        own.refusable = false;
    }
    Ok(())
}

/// The client is told that, our log and who asks for its code also why.
fn refusal(judgement: &Judgement) -> Refusal {
    let verdict = &judgement.verdict;
    let reason = |name| verdict.reasons.iter().find(|reason| reason.name == name);
    let denied = reason("DENIED").or(reason("DENIED_BY_ACCOUNT"));
    let told = match (reason("VIRUS"), denied) {
        (Some(virus), _) => refusals::infected(&virus.detail),
        (None, Some(_)) => refusals::denied_sender(),
        (None, None) => refusals::unwanted(),
    };
    told.because(format!("score {:.1}: {}", verdict.score, verdict.symbols()))
        .judged(judgement.record())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SpamSettings;

    fn judged(weights: &[f32]) -> Judgement {
        let reasons = weights
            .iter()
            .map(|weight| Reason::new("TEST", *weight, ""));
        Judgement::of(reasons.collect(), Thresholds::default())
    }

    #[test]
    fn the_sum_of_the_reasons_decides() {
        assert_eq!(judged(&[]).action(), Action::Accept);
        assert_eq!(judged(&[20.0, -15.0]).action(), Action::Accept);
        for (score, action) in [
            (7.5, Action::Junk),
            (14.2, Action::Junk),
            (14.4, Action::JunkSeen),
        ] {
            assert_eq!(judged(&[score]).action(), action);
        }
        let mut refused = judged(&[8.0, 7.5]);
        assert_eq!(
            (refused.action(), refused.verdict.score),
            (Action::Refuse, 15.5)
        );
        let told = refusal(&refused);
        assert_eq!(told.reply.code, 550);
        assert!(told.reason.contains("TEST(8.00), TEST(7.50)"));
        refused.refusable = false;
        assert_eq!(refused.action(), Action::JunkSeen);
    }

    /// V3: by what the refusal is about.
    #[test]
    fn v03_a_refusal_has_a_code() {
        let code = |name: &str| {
            let reasons = vec![Reason::new(name, 100.0, "Eicar-Signature")];
            let told = refusal(&Judgement::of(reasons, Thresholds::default()));
            let word = told.code.map_or("", |code| code.word);
            (word, told.reply.lines.concat())
        };
        assert_eq!(code("GTUBE").0, "SPAM-SCORE");
        assert_eq!(code("DENIED").0, "SENDER-DENIED");
        let (virus, told) = code("VIRUS");
        assert_eq!(virus, "VIRUS");
        assert!(told.contains("Eicar-Signature"), "{told}");
    }

    /// I17, V4: weights of the settings.
    #[test]
    fn weights_may_be_changed() {
        let settings = SpamSettings {
            weights: vec!["A 0".into(), "B -2".into()],
            ..SpamSettings::default()
        };
        let mut reasons = vec![
            Reason::new("A", 1.0, ""),
            Reason::new("B", 1.0, ""),
            Reason::new("C", 1.0, ""),
        ];
        settings.reweigh(&mut reasons);
        let left: Vec<_> = reasons
            .iter()
            .map(|r| (r.name.as_str(), r.weight))
            .collect();
        assert_eq!(left, [("B", -2.0), ("C", 1.0)]);
    }
}
