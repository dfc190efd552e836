//! Hands messages to the journey as a session would, and looks at what became of them.

mod accepting;
mod addresses;
mod authentication;
mod brake;
mod events;
mod housekeeping;
mod judging;
mod lmtp;
mod outsiders;
mod quota;
mod scripts;
mod submission;

use crate::world::{Setup, World};
use message::Address;
use server::journey::{
    ClientName, ForwardPath, Mail, Notify, Rcpt, Receiving, Refusal, Road, SessionFacts,
    Transaction,
};
use server::session::login::Login;
use server::session::{Peer, Protocol, SessionId};
use smtp::Reply;
use std::ops::RangeInclusive;
use std::sync::Arc;
use store::alias::Alias;
use store::domain::Domain;
use store::queue::Queued;
use store::{Tx, account, alias, domain, entry, mailbox, queue};

/// A small message.
const HELLO: &str =
    "From: Someone <sender@remote.example>\r\nTo: you\r\nSubject: Hello\r\n\r\nHello there\r\n";

/// A session of a client.
struct Client<'a> {
    world: &'a World,
    facts: Arc<SessionFacts>,
}

impl<'a> Client<'a> {
    /// Another server.
    fn mx(world: &'a World) -> Client<'a> {
        Client::new(world, Protocol::Smtp, Road::Mx)
    }

    /// A server in front.
    fn lmtp(world: &'a World) -> Client<'a> {
        Client::new(world, Protocol::Lmtp, Road::Lmtp)
    }

    /// A user who has logged in.
    async fn user(world: &'a World, address: &str) -> Client<'a> {
        let name = address.to_owned();
        let found = read(world, move |tx| account::by_address(tx, &name)).await;
        let login = Login {
            account: found.expect("the account exists").id,
            address: address.to_owned(),
            mechanism: "PLAIN",
        };
        Client::new(world, Protocol::Submission, Road::Submission(login))
    }

    /// The same client at another address.
    fn at(&self, address: &str, helo: &str) -> Client<'a> {
        let mut facts = SessionFacts::clone(&self.facts);
        facts.peer.remote = format!("{address}:4000").parse().unwrap();
        facts.client = ClientName::None;
        facts.helo = Some(helo.into());
        Client {
            world: self.world,
            facts: Arc::new(facts),
        }
    }

    fn new(world: &'a World, protocol: Protocol, road: Road) -> Client<'a> {
        let peer = Peer {
            protocol,
            session: SessionId(1),
            remote: "198.51.100.7:4000".parse().unwrap(),
            local: "192.0.2.1:25".parse().unwrap(),
            tls: None,
        };
        let facts = Arc::new(SessionFacts {
            peer,
            road,
            helo: Some("client.example".into()),
            esmtp: true,
            client: ClientName::Confirmed("out.client.example".into()),
            impression: Default::default(),
        });
        Client { world, facts }
    }

    /// MAIL; an empty sender is the null reverse-path.
    async fn mail(&self, from: &str, size: Option<u64>) -> Result<Transaction, Refusal> {
        let mail = Mail {
            reverse_path: (!from.is_empty()).then(|| Address::parse(from).unwrap()),
            size,
            ..Mail::default()
        };
        Transaction::begin(self.world.services().clone(), self.facts.clone(), mail).await
    }

    /// MAIL with PRDR.
    async fn mail_with_prdr(&self, from: &str) -> Transaction {
        let mail = Mail {
            reverse_path: Some(Address::parse(from).unwrap()),
            prdr: true,
            ..Mail::default()
        };
        let begun = Transaction::begin(self.world.services().clone(), self.facts.clone(), mail);
        begun.await.unwrap()
    }

    /// The code and enhanced code that RCPT is answered with.
    async fn rcpt(&self, to: &str) -> String {
        let mut transaction = self.mail("", None).await.unwrap();
        code(transaction.recipient(rcpt(to)).await)
    }

    /// The whole text of a refusal of RCPT.
    async fn rcpt_text(&self, to: &str) -> String {
        let mut transaction = self.mail("", None).await.unwrap();
        let refusal = transaction.recipient(rcpt(to)).await.unwrap_err();
        refusal.reply.lines.concat()
    }

    /// Sends a message to recipients that are all accepted.
    async fn send(&self, from: &str, to: &[&str], message: &str) -> Vec<Result<Reply, Refusal>> {
        let mut transaction = self.mail(from, None).await.unwrap();
        for address in to {
            transaction.recipient(rcpt(address)).await.unwrap();
        }
        deliver(transaction.data(), message).await
    }

    /// Sends a message and expects it to be accepted.
    async fn deliver(&self, from: &str, to: &[&str], message: &str) {
        for result in self.send(from, to, message).await {
            assert_eq!(result.unwrap().code, 250);
        }
    }
}

fn rcpt(to: &str) -> Rcpt {
    Rcpt {
        forward_path: match to {
            "postmaster" => ForwardPath::Postmaster,
            address => ForwardPath::Address(Address::parse(address).unwrap()),
        },
        orcpt: None,
        notify: Notify::default(),
    }
}

/// Streams a message in small pieces.
async fn deliver(mut receiving: Receiving, message: &str) -> Vec<Result<Reply, Refusal>> {
    for piece in message.as_bytes().chunks(1000) {
        if let Err(refusal) = receiving.write(piece).await {
            return vec![Err(refusal)];
        }
    }
    receiving.finish().await
}

/// `250` or `550 5.1.1`.
fn code<T>(result: Result<T, Refusal>) -> String {
    match result {
        Ok(_) => "250".into(),
        Err(Refusal { reply, .. }) => format!("{} {}", reply.code, reply.enhanced.unwrap()),
    }
}

async fn read<T: Send + 'static>(
    world: &World,
    work: impl Fn(&mut Tx<'_>) -> store::Result<T> + Send + 'static,
) -> T {
    world.services().store.read(work).await.unwrap()
}

async fn write<T: Send + 'static>(
    world: &World,
    work: impl Fn(&mut Tx<'_>) -> store::Result<T> + Send + 'static,
) -> T {
    world.services().store.write(work).await.unwrap()
}

async fn add_aliases(world: &World, rows: &'static [(&'static str, &'static str)]) {
    let add = |tx: &mut Tx<'_>, source: &str, target: &str| {
        let row = Alias {
            source: source.into(),
            target: target.into(),
            active: true,
        };
        alias::add(tx, &row)
    };
    write(world, move |tx| {
        rows.iter()
            .try_for_each(|(source, target)| add(tx, source, target))
    })
    .await;
}

async fn add_domain(world: &World, name: &'static str, alias_of: Option<&'static str>) {
    let row = Domain {
        name: name.into(),
        alias_of: alias_of.map(Into::into),
        active: true,
    };
    write(world, move |tx| domain::add(tx, &row)).await;
}

/// The messages in an INBOX, in order.
async fn inbox(world: &World, address: &str) -> Vec<String> {
    const ALL: [RangeInclusive<u32>; 1] = [1..=u32::MAX];
    let address = address.to_owned();
    let contents = read(world, move |tx| {
        let account = account::by_address(tx, &address)?
            .expect("the account exists")
            .id;
        let inbox = mailbox::by_name(tx, account, "INBOX")?
            .expect("everybody has an INBOX")
            .id;
        entry::scan_contents(tx, account, inbox, &ALL, None, 1000)
    });
    let mut messages = Vec::new();
    for (entry, content) in contents.await {
        let octets = world
            .services()
            .store
            .read_body(&content.body, 0, u64::MAX)
            .await
            .unwrap();
        assert_eq!(
            (entry.size, content.summary.size),
            (octets.len() as u32, octets.len() as u32)
        );
        messages.push(String::from_utf8(octets).unwrap());
    }
    messages
}

/// The messages in the queue.
async fn queued(world: &World) -> Vec<(Queued, String)> {
    let mut messages = Vec::new();
    for message in read(world, |tx| queue::list(tx, None, 100)).await {
        let octets = world
            .services()
            .store
            .read_body(&message.body, 0, u64::MAX)
            .await
            .unwrap();
        messages.push((message, String::from_utf8(octets).unwrap()));
    }
    messages
}

/// A world with settings, in which nothing leaves.
async fn world_with(settings: &[(&str, &str)]) -> World {
    let setup = Setup {
        settings: settings
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect(),
        ..Setup::default()
    };
    let world = World::start_with(&setup).await;
    // What these tests look at shall stay in the queue.
    world.services().paused.delivery.send_replace(true);
    world
}
