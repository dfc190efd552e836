//! Keys that sign mail, and secrets of the server.

use crate::world::{World, on_both_engines};
use store::dkim::{self, DkimKey, KeyState, Kind};
use store::secret::{self, Secret};
use store::{Error, Result, Timestamp, Tx};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seconds).unwrap()
}

fn key(domain: &str, selector: &str) -> DkimKey {
    DkimKey {
        domain: domain.into(),
        selector: selector.into(),
        kind: Kind::Ed25519,
        state: KeyState::Waiting,
        created: at(0),
        since: at(0),
        seen: None,
        record: "v=DKIM1; k=ed25519; p=AA==".into(),
        private: vec![7; 48],
    }
}

fn aged(created: i64) -> Secret {
    Secret {
        created: at(created),
        value: vec![created as u8; 32],
    }
}

async fn write<T: Send + 'static>(
    world: &World,
    work: impl Fn(&mut Tx<'_>) -> Result<T> + Send + Sync + 'static,
) -> Result<T> {
    world.store.write(work).await
}

on_both_engines! {
    /// K4 to K7: keys come back as they went in, and change their state.
    async fn k04_keys_live(world) {
        write(world, |tx| dkim::add(tx, &key("example.com", "one"))).await.unwrap();
        write(world, |tx| dkim::add(tx, &key("example.net", "one"))).await.unwrap();
        let again = write(world, |tx| dkim::add(tx, &key("example.com", "one"))).await;
        assert!(matches!(again, Err(Error::Exists(_))), "{again:?}");

        write(world, |tx| dkim::set_seen(tx, "example.com", "one", Some(at(5)))).await.unwrap();
        let found = write(world, |tx| dkim::of_domain(tx, "example.com")).await.unwrap();
        assert!(found == [DkimKey { seen: Some(at(5)), ..key("example.com", "one") }]);
        let active = |tx: &mut Tx<'_>| dkim::set_state(tx, "example.com", "one", KeyState::Active, at(9));
        write(world, active).await.unwrap();
        let all = write(world, dkim::list).await.unwrap();
        assert_eq!((all[0].state, all[0].since, all[0].seen), (KeyState::Active, at(9), None));
        assert_eq!(all.len(), 2);

        write(world, |tx| dkim::remove(tx, "example.com", "one")).await.unwrap();
        let gone = write(world, |tx| dkim::remove(tx, "example.com", "one")).await;
        assert!(matches!(gone, Err(Error::Missing(_))), "{gone:?}");
        assert_eq!(write(world, |tx| dkim::remove_all(tx, "example.net")).await.unwrap(), 1);
    }
}

on_both_engines! {
    /// K19: the newest secrets of a name, as many as are kept.
    async fn k19_secrets_follow_each_other(world) {
        for created in [1, 3, 2] {
            write(world, move |tx| secret::add(tx, "srs", &aged(created), 2)).await.unwrap();
        }
        let known = write(world, |tx| secret::of(tx, "srs")).await.unwrap();
        assert!(known == [aged(3), aged(2)]);
        assert!(write(world, |tx| secret::of(tx, "other")).await.unwrap().is_empty());
    }
}
