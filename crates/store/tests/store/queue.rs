//! The rows of the outbound queue.

use crate::world::{World, on_both_engines};
use store::queue::{self, Counts, NewQueued, NewQueuedRecipient, State, Update};
use store::{Error, QueueId, Timestamp};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn recipient(address: &str, due: i64) -> NewQueuedRecipient {
    NewQueuedRecipient {
        address: address.into(),
        orcpt: Some(format!("rfc822;{address}")),
        notify: 6,
        next_attempt: at(due),
        state: State::Pending,
    }
}

async fn enqueue(world: &World, recipients: Vec<NewQueuedRecipient>) -> QueueId {
    let new = NewQueued {
        reverse_path: Some("alice@example.com".into()),
        envid: Some("id+7".into()),
        ret_full: Some(true),
        smtputf8: false,
        eight_bit: true,
        account: Some(world.alice),
        created: at(0),
        body: world.stage(b"Subject: out\r\n\r\nto the world\r\n").await,
        header_size: 16,
        recipients,
    };
    world
        .store
        .write(move |tx| queue::add(tx, &new))
        .await
        .unwrap()
}

async fn update(world: &World, id: QueueId, n: u32, update: Update) -> store::Result<()> {
    world
        .store
        .write(move |tx| queue::update(tx, id, n, &update))
        .await
}

async fn due(world: &World, now: i64) -> Vec<QueueId> {
    world
        .store
        .read(move |tx| queue::due(tx, at(now), 10))
        .await
        .unwrap()
}

async fn stored(world: &World, id: QueueId) -> Option<queue::Queued> {
    world
        .store
        .read(move |tx| queue::by_id(tx, id))
        .await
        .unwrap()
}

on_both_engines! {
    async fn a_queued_message_is_what_was_queued(world) {
        let mut work = world.store.watch_queue();
        let id = enqueue(world, vec![recipient("x@example.net", 5), recipient("y@example.org", 9)]).await;
        assert!(work.has_changed().unwrap());
        work.mark_unchanged();
        let queued = stored(world, id).await.unwrap();
        assert_eq!(queued.reverse_path.as_deref(), Some("alice@example.com"));
        assert_eq!((queued.envid.as_deref(), queued.ret_full, queued.eight_bit), (Some("id+7"), Some(true), true));
        assert_eq!((queued.account, queued.created, queued.header_size), (Some(world.alice), at(0), 16));
        let second = &queued.recipients[1];
        assert_eq!((second.index, second.address.as_str(), second.notify), (1, "y@example.org", 6));
        assert_eq!((second.state, second.attempts, second.next_attempt), (State::Pending, 0, at(9)));
        assert_eq!(world.store.read_body(&queued.body, 0, 7).await.unwrap(), b"Subject");
        let listed = world.store.read(|tx| queue::list(tx, None, 10)).await.unwrap();
        assert_eq!(listed.len(), 1);
        assert!(world.store.read(move |tx| queue::list(tx, Some(id), 10)).await.unwrap().is_empty());
    }

    async fn the_longest_due_comes_first(world) {
        let late = enqueue(world, vec![recipient("a@example.net", 8), recipient("b@example.net", 2)]).await;
        let early = enqueue(world, vec![recipient("c@example.net", 1), recipient("d@example.net", 4)]).await;
        assert_eq!(due(world, 0).await, []);
        assert_eq!(due(world, 1).await, [early]);
        assert_eq!(due(world, 100).await, [early, late]);
        assert_eq!(world.store.read(|tx| queue::due(tx, at(100), 1)).await.unwrap(), [early]);
        assert_eq!(world.store.read(queue::next_due).await.unwrap(), Some(at(1)));
    }

    async fn attempts_and_their_outcome_are_kept(world) {
        let id = enqueue(world, vec![recipient("a@example.net", 0)]).await;
        update(world, id, 0, Update::Begin { now: at(1), next_attempt: at(600) }).await.unwrap();
        update(world, id, 0, Update::Retry { next_attempt: at(900), error: "451 mañana".into(), stranded: false }).await.unwrap();
        update(world, id, 0, Update::Warned).await.unwrap();
        let queued = stored(world, id).await.unwrap();
        let recipient = &queued.recipients[0];
        assert_eq!((recipient.attempts, recipient.last_attempt, recipient.next_attempt), (1, Some(at(1)), at(900)));
        assert_eq!((recipient.last_error.as_deref(), recipient.warnings), (Some("451 mañana"), 1));
        update(world, id, 0, Update::SetState(State::Held, None)).await.unwrap();
        assert_eq!(due(world, 9999).await, []);
        let counts = world.store.read(queue::counts).await.unwrap();
        assert_eq!(counts, Counts { messages: 1, pending: 0, held: 1 });
        let work = world.store.watch_queue();
        update(world, id, 0, Update::SetState(State::Pending, Some(at(3)))).await.unwrap();
        assert!(work.has_changed().unwrap());
        assert_eq!(due(world, 3).await, [id]);
    }

    async fn a_message_goes_with_its_last_recipient(world) {
        let id = enqueue(world, vec![recipient("a@example.net", 0), recipient("b@example.net", 0)]).await;
        let body = stored(world, id).await.unwrap().body;
        update(world, id, 0, Update::Done).await.unwrap();
        let queued = stored(world, id).await.unwrap();
        assert_eq!(queued.recipients.iter().map(|r| r.index).collect::<Vec<_>>(), [1]);
        assert_eq!(world.store.write(move |tx| queue::waiting(tx, id)).await.unwrap(), [1]);
        assert!(matches!(update(world, id, 0, Update::Done).await, Err(Error::Missing(_))));
        assert!(matches!(update(world, id, 0, Update::Warned).await, Err(Error::Missing(_))));
        update(world, id, 1, Update::Done).await.unwrap();
        assert!(stored(world, id).await.is_none());
        assert!(matches!(world.store.read_body(&body, 0, 1).await, Err(Error::Missing(_))));
    }

    /// Two recipients finished at the same time: the message must not stay without recipients.
    async fn recipients_finished_at_once_leave_nothing(world) {
        let recipients = (0..10).map(|n| recipient(&format!("r{n}@example.net"), 0)).collect();
        let id = enqueue(world, recipients).await;
        let tasks: Vec<_> = (0..10).map(|n| {
            let store = world.store.clone();
            tokio::spawn(async move { store.write(move |tx| queue::update(tx, id, n, &Update::Done)).await })
        }).collect();
        for task in tasks {
            task.await.unwrap().unwrap();
        }
        assert!(stored(world, id).await.is_none());
    }

    /// C22: queued and begun in one: as if it had been begun at once, and nobody is called.
    async fn c22_queued_as_begun(world) {
        let new = NewQueued {
            reverse_path: None,
            envid: None,
            ret_full: None,
            smtputf8: false,
            eight_bit: false,
            account: None,
            created: at(0),
            body: world.stage(b"Subject: out\r\n\r\n").await,
            header_size: 16,
            recipients: vec![recipient("x@example.net", 0)],
        };
        let work = world.store.watch_queue();
        let begun = queue::Begun { id: queue::new_id().unwrap(), now: at(0), next_attempt: at(400) };
        let from_memory = new.queued(begun.id, false);
        world.store.write_together(move |tx| queue::add_begun(tx, &new, &begun)).await.unwrap();
        assert!(!work.has_changed().unwrap());
        assert!(due(world, 399).await.is_empty());
        assert_eq!(due(world, 400).await, [begun.id]);
        let stored = stored(world, begun.id).await.unwrap();
        assert_eq!((stored.recipients[0].attempts, stored.recipients[0].last_attempt), (1, Some(at(0))));
        assert_eq!((stored.body, stored.recipients[0].address.as_str()), (from_memory.body, from_memory.recipients[0].address.as_str()));
    }
}
