//! The search index: what it says of texts, what it does not know, and that it can be lost.

use crate::world::{World, on_both_engines};
use store::search::{Batch, Candidates, Index, Indexed, Question, Text};
use store::{MailboxId, MessageId, ModSeq, Uid};

const AS_OF: ModSeq = ModSeq(100);

fn message(uid: u32, text: Text) -> Indexed {
    Indexed {
        uid: Uid(uid),
        message: MessageId::from_u128(u128::from(uid)),
        text,
    }
}

fn folded(text: &str) -> Text {
    Text::Folded(text.into())
}

fn batch(mailbox: MailboxId, after: u32, complete: u32, messages: Vec<Indexed>) -> Batch {
    Batch {
        mailbox,
        after,
        complete,
        as_of: AS_OF,
        messages,
    }
}

async fn fill(index: &Index, world: &World) {
    let texts = [
        "subject: invoice 42\nplease pay",
        "größe und maß, 100% sicher_",
        "nothing of note",
        "a\0b and then invoices",
    ];
    let messages = (1..)
        .zip(texts)
        .map(|(uid, text)| message(uid, folded(text)));
    let added = index.add(world.alice, batch(world.inbox, 0, 4, messages.collect()));
    assert!(added.await.unwrap());
}

fn question(world: &World, mailbox: MailboxId, texts: &[&str]) -> Question {
    Question {
        account: world.alice,
        mailbox,
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
        now: AS_OF,
        most: 1000,
    }
}

/// UIDs that may hold a text, by the index.
async fn found(index: &Index, world: &World, text: &str) -> Vec<u32> {
    let asked = index.candidates(question(world, world.inbox, &[text]));
    let answer = asked.await.unwrap().expect("an index").remove(0);
    answer.uids.into_iter().flatten().collect()
}

on_both_engines! {
    async fn f08_texts_are_found_by_their_pieces(world) {
        let index = world.store.search_index();
        fill(&index, world).await;
        assert_eq!(found(&index, world, "invoice").await, [1, 4]);
        assert_eq!(found(&index, world, "größe").await, [2]);
        assert_eq!(found(&index, world, "100%").await, [2]);
        assert_eq!(found(&index, world, "cher_").await, [2]);
        assert_eq!(found(&index, world, "then inv").await, [4], "what follows a NUL is found too");
        assert!(found(&index, world, "absent").await.is_empty());
        let state = index.state(world.alice).await.unwrap().unwrap();
        assert_eq!((state.messages, state.modseq), (4, ModSeq(0)));
    }

    async fn what_cannot_be_told_is_not_told(world) {
        let index = world.store.search_index();
        assert_eq!(index.candidates(question(world, world.inbox, &["abc"])).await.unwrap(), None);
        fill(&index, world).await;
        let nothing = Candidates::default();
        let asked = question(world, world.inbox, &["ab", "invoice"]);
        let answers = index.candidates(asked).await.unwrap().unwrap();
        assert_eq!(answers[0], nothing, "shorter than a trigram");
        assert_eq!(answers[1].complete, 4);
        let other = question(world, MailboxId::from_u128(9), &["invoice"]);
        assert_eq!(index.candidates(other).await.unwrap().unwrap(), vec![nothing.clone()]);
        let few = Question { most: 1, ..question(world, world.inbox, &["invoice"]) };
        assert_eq!(index.candidates(few).await.unwrap().unwrap(), [nothing], "too many to help");
        // Of another store than this one, which is an older copy.
        let older = Question { now: ModSeq(99), ..question(world, world.inbox, &["invoice"]) };
        assert_eq!(index.candidates(older).await.unwrap(), None);
    }

    async fn messages_without_text_are_always_candidates(world) {
        let index = world.store.search_index();
        fill(&index, world).await;
        let more = vec![message(5, Text::TooLong), message(6, Text::Known), message(7, folded("x"))];
        assert!(index.add(world.alice, batch(world.inbox, 4, 7, more)).await.unwrap());
        assert_eq!(found(&index, world, "absent").await, [5, 6]);
    }

    async fn a_copy_is_found_in_its_mailbox(world) {
        let index = world.store.search_index();
        fill(&index, world).await;
        let ids = [1, 77].map(MessageId::from_u128).to_vec();
        let known = index.known(world.alice, ids).await.unwrap();
        assert_eq!(known.into_iter().collect::<Vec<_>>(), [MessageId::from_u128(1)]);
        let archive = MailboxId::from_u128(9);
        let copy = Indexed { uid: Uid(30), ..message(1, Text::Known) };
        assert!(index.add(world.alice, batch(archive, 0, 30, vec![copy])).await.unwrap());
        let asked = question(world, archive, &["invoice", "größe"]);
        let answers = index.candidates(asked).await.unwrap().unwrap();
        assert_eq!((answers[0].complete, &answers[0].uids[..]), (30, &[30..=30][..]));
        assert!(answers[1].uids.is_empty());
    }

    async fn a_batch_that_does_not_follow_is_refused(world) {
        let index = world.store.search_index();
        fill(&index, world).await;
        index.remove(world.alice).await.unwrap();
        let late = batch(world.inbox, 4, 9, vec![message(9, folded("late"))]);
        assert!(!index.add(world.alice, late).await.unwrap());
        assert_eq!(index.complete(world.alice, world.inbox).await.unwrap(), 0);
    }

    async fn accounts_with_an_index_are_known(world) {
        let index = world.store.search_index();
        assert!(index.accounts().await.unwrap().is_empty());
        index.begin(world.alice).await.unwrap();
        assert_eq!(index.accounts().await.unwrap(), [(world.alice, ModSeq(0))]);
        index.caught_up(world.alice, ModSeq(7)).await.unwrap();
        index.begin(world.alice).await.unwrap();
        assert_eq!(index.accounts().await.unwrap(), [(world.alice, ModSeq(7))]);
        index.remove(world.alice).await.unwrap();
        assert!(index.accounts().await.unwrap().is_empty());
    }
}

#[test]
fn a_damaged_index_counts_as_none_and_is_made_anew() {
    crate::world::runtime().block_on(async {
        let mut world = World::open(crate::world::sqlite(), None).await;
        fill(&world.store.search_index(), &world).await;
        world.close();
        let file = world
            .options
            .data
            .join(format!("search/{}.db", world.alice));
        std::fs::write(&file, b"this is not a database, and never was one").unwrap();
        world.reopen();
        let index = world.store.search_index();
        let asked = question(&world, world.inbox, &["invoice"]);
        assert_eq!(index.candidates(asked).await.unwrap(), None);
        assert_eq!(index.accounts().await.unwrap(), [(world.alice, ModSeq(0))]);
        fill(&index, &world).await;
        assert_eq!(found(&index, &world, "invoice").await, [1, 4]);
        world.assert_sound().await;
    });
}
