//! The domains, accounts and aliases that dialogs speak of.

use server::Services;
use server::session::login::hash_password;
use store::Tx;
use store::account::{Credentials, NewAccount};
use store::alias::Alias;
use store::domain::Domain;
use store::mailbox::SpecialUse;

const ACCOUNTS: [(&str, &str); 3] = [
    ("alice@example.com", "Alice"),
    ("bob@example.com", "Bob"),
    ("carol@example.com", "Carol"),
];

const ALIASES: [(&str, &str); 4] = [
    ("team@example.com", "bob@example.com"),
    ("team@example.com", "carol@example.com"),
    ("post@example.com", "alice@example.com"),
    ("oldname@example.com", "bob@elsewhere.example"),
];

const MAILBOXES: [(&str, SpecialUse); 5] = [
    ("Drafts", SpecialUse::Drafts),
    ("Sent", SpecialUse::Sent),
    ("Junk", SpecialUse::Junk),
    ("Trash", SpecialUse::Trash),
    ("Archive", SpecialUse::Archive),
];

/// Puts them into the store.
pub(crate) async fn move_in(services: &Services) {
    let config = services.config.load_full();
    let credentials = hash_password(&config.auth, super::PASSWORD).await;
    let write = services.store.write(move |tx| {
        store::domain::add(tx, &domain("example.net"))?;
        for (address, name) in ACCOUNTS {
            store::account::add(tx, &account(address, name, &credentials))?;
        }
        ALIASES.iter().try_for_each(|pair| alias(tx, *pair))
    });
    write.await.expect("people move in");
}

fn domain(name: &str) -> Domain {
    Domain {
        name: name.into(),
        alias_of: None,
        active: true,
    }
}

fn account(address: &str, name: &str, credentials: &Credentials) -> NewAccount {
    let mailboxes = MAILBOXES.map(|(name, special)| (name.to_string(), Some(special)));
    NewAccount {
        address: address.into(),
        name: name.into(),
        credentials: credentials.clone(),
        quota: None,
        mailboxes: mailboxes.into(),
    }
}

fn alias(tx: &mut Tx<'_>, (source, target): (&str, &str)) -> store::Result<()> {
    let row = Alias {
        source: source.into(),
        target: target.into(),
        active: true,
    };
    store::alias::add(tx, &row)
}
