//! What an aggregate report says (RFC 9990 §3.1.1). The older form (RFC 7489) says the same in other places.

use serde::{Deserialize, Serialize};

/// A report on mail that names a domain, or one below it, as its author's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Aggregate {
    /// Who reports.
    pub organization: String,
    /// How to reach who reports.
    pub email: String,
    /// More on that; may be empty.
    pub contact: String,
    /// Unique among the reports of this organization.
    pub id: String,
    /// Seconds since 1970.
    pub begin: i64,
    /// Seconds since 1970.
    pub end: i64,
    /// What the reporter found wrong with the policy record.
    pub errors: Vec<String>,
    /// The policy that was found.
    pub policy: Published,
    /// What came from where.
    pub rows: Vec<Row>,
    /// There were more rows than are read.
    pub cut: bool,
}

/// A policy as it was found, each value as in its tag.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Published {
    /// The domain whose record it is.
    pub domain: String,
    /// `p`.
    pub policy: String,
    /// `sp`; may be empty.
    pub subdomains: String,
    /// `np`; may be empty.
    pub nonexistent: String,
    /// `adkim`: `r` or `s`; may be empty.
    pub dkim: String,
    /// `aspf`: `r` or `s`; may be empty.
    pub spf: String,
    /// `t`.
    pub testing: bool,
    /// `fo`; may be empty.
    pub failures: String,
}

/// Messages of one source for which everything is the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Row {
    /// The client's address.
    pub source: String,
    /// How many.
    #[serde(default)]
    pub count: u64,
    /// What came of DMARC.
    pub evaluated: Evaluated,
    /// The author's domain.
    pub author: String,
    /// The domain of the reverse-path; empty for the null one; `None`: not told.
    pub sender: Option<String>,
    /// The recipients' domain, if told.
    pub recipient: Option<String>,
    /// What signatures proved.
    pub dkim: Vec<DkimEvidence>,
    /// What SPF proved.
    pub spf: Vec<SpfEvidence>,
}

impl Row {
    /// Was the author proved?
    pub fn passes(&self) -> bool {
        self.evaluated.dkim || self.evaluated.spf
    }
}

/// What came of DMARC.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Evaluated {
    /// `none`, `pass`, `quarantine` or `reject`.
    pub disposition: String,
    /// A signature of an aligned domain passes.
    pub dkim: bool,
    /// SPF passes for an aligned domain.
    pub spf: bool,
    /// Why the policy was not carried out.
    pub reasons: Vec<Reason>,
}

/// Why a policy was not carried out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Such as `local_policy`.
    pub kind: String,
    /// In words; may be empty.
    pub comment: String,
}

/// The result of a signature.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DkimEvidence {
    /// `d=`.
    pub domain: String,
    /// `s=`; may be empty in old reports.
    pub selector: String,
    /// As RFC 8601 §2.7.1 has them.
    pub result: String,
}

/// The result of SPF.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpfEvidence {
    /// What was asked about.
    pub domain: String,
    /// `mfrom`, or `helo` in old reports; may be empty.
    pub scope: String,
    /// As RFC 8601 §2.7.2 has them.
    pub result: String,
}

/// Messages that passed and failed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// Whose author was proved.
    pub pass: u64,
    /// Whose author was not.
    pub fail: u64,
}

impl Aggregate {
    /// Over all rows.
    pub fn totals(&self) -> Totals {
        let mut totals = Totals::default();
        for row in &self.rows {
            let sum = match row.passes() {
                true => &mut totals.pass,
                false => &mut totals.fail,
            };
            *sum = sum.saturating_add(row.count);
        }
        totals
    }
}
