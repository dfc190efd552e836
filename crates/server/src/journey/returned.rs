//! Tells a program's user that a message of his was refused after all, for one that was taken without a dialogue (X14).

use super::bounce::{self, Notice, Original, Speaker, Told};
use super::envelope::Refusal;
use super::refusals;
use crate::Services;
use smtp::Enhanced;

/// What was refused.
pub(crate) struct Returned {
    /// Names it in the notice.
    pub(crate) id: String,
    /// Who is told.
    pub(crate) sender: String,
    /// ENVID, decoded.
    pub(crate) envid: Option<String>,
    /// Its header section.
    pub(crate) header: Vec<u8>,
    /// Recipients, with the refusal of each.
    pub(crate) refused: Vec<(String, Refusal)>,
}

/// Writes the notice. An error is temporary.
pub(crate) async fn tell(services: &Services, returned: Returned) -> Result<(), Refusal> {
    let now = services.clock.now();
    let told = returned.refused.iter().map(|(address, refusal)| Told {
        address: address.clone(),
        orcpt: None,
        status: refusal.reply.enhanced.unwrap_or(Enhanced(5, 0, 0)),
        words: refusal.reply.lines.join(" "),
        said_by: Speaker::Us,
        remote: None,
        attempted: now,
        retry_until: None,
    });
    let notice = Notice {
        event: ::queue::Event::Failed,
        told: told.collect(),
    };
    let original = Original {
        id: returned.id.clone(),
        sender: Some(&returned.sender),
        account: None,
        envid: returned.envid.as_deref(),
        created: now,
        deliver_by: None,
        header: returned.header.clone(),
        whole: None,
    };
    let failed = |error: store::Error| refusals::store_failed(&error);
    let prepared = bounce::prepare(services, &original, &notice).await;
    if let Some(prepared) = prepared.map_err(failed)? {
        let written = services.store.write(move |tx| prepared.write(tx));
        written.await.map_err(failed)?;
    }
    Ok(())
}
