//! A server with two accounts, a clock that is turned by hand, and the pretend Internet around it.

use jiff::{SignedDuration, Timestamp};
use lab::Internet;
use server::config::Config;
use server::run::{Parts, Server};
use server::{Clock, Services};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use store::account::NewAccount;
use store::queue::{NewQueued, NewQueuedRecipient, Queued};
use store::{QueueId, account, mailbox, queue};

/// How long anything may take that should happen at once.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The lab's clock as the server's.
struct Turned(lab::Clock);

impl Clock for Turned {
    fn now(&self) -> Timestamp {
        self.0.now()
    }

    fn reached<'a>(&'a self, at: Timestamp) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(self.0.reached(at))
    }
}

pub(crate) struct World {
    pub(crate) internet: Internet,
    pub(crate) clock: lab::Clock,
    server: Option<Server>,
    settings: Vec<(&'static str, String)>,
    folder: PathBuf,
}

/// A message for the queue; the rest is as usual.
pub(crate) struct Mail<'a> {
    pub(crate) from: Option<&'a str>,
    pub(crate) to: &'a [&'a str],
    pub(crate) notify: u8,
    pub(crate) text: String,
    pub(crate) ret_full: Option<bool>,
}

impl<'a> Mail<'a> {
    pub(crate) fn to(to: &'a [&'a str]) -> Mail<'a> {
        Mail {
            from: Some("alice@example.com"),
            to,
            notify: 0,
            text: "Message-ID: <one@example.com>\r\nSubject: Tea\r\n\r\nAt five.\r\n.\r\n".into(),
            ret_full: None,
        }
    }
}

impl World {
    pub(crate) async fn start() -> World {
        World::with(&[]).await
    }

    /// A world with these settings, by their text in the configuration.
    pub(crate) async fn with(settings: &[(&'static str, &str)]) -> World {
        let folder = tempfile::Builder::new()
            .prefix("pennyblack-queue-")
            .tempdir()
            .unwrap()
            .keep();
        let internet = Internet::start(lab::Options {
            drip: Some(Duration::from_millis(5)),
            ..lab::Options::default()
        })
        .await
        .unwrap();
        let mut world = World {
            internet,
            clock: lab::Clock::default(),
            server: None,
            settings: settings
                .iter()
                .map(|(key, value)| (*key, value.to_string()))
                .collect(),
            folder,
        };
        world.boot().await;
        world.move_in().await;
        world
    }

    /// Starts the server on its data, as after an end of any kind.
    pub(crate) async fn boot(&mut self) {
        let mut text = String::from(
            "hostname = \"mx1.example.com\"\ndomain = \"example.com\"\ndata = \"data\"\nuser = \"root\"\n",
        );
        text += "queue.allow_private = true\n";
        let usual = [
            ("queue.port", self.internet.port().to_string()),
            ("dns.servers", format!("[\"{}\"]", self.internet.resolver())),
        ];
        for (key, value) in usual {
            if !self.settings.iter().any(|(set, _)| *set == key) {
                text += &format!("{key} = {value}\n");
            }
        }
        for (key, value) in &self.settings {
            text += &format!("{key} = {value}\n");
        }
        let loaded = Config::parse(&text, &self.folder.join("pennyblack.toml"));
        let mut config = loaded.unwrap_or_else(|faults| panic!("{faults}")).config;
        let any = vec![SocketAddr::from((Ipv4Addr::LOCALHOST, 0))];
        let listen = &mut config.listen;
        for listener in [&mut listen.smtp, &mut listen.submissions, &mut listen.imaps] {
            listener.addresses = any.clone();
        }
        listen.submission.addresses.clear();
        listen.managesieve.addresses.clear();
        let parts = Parts {
            clock: Arc::new(Turned(self.clock.clone())),
            ..Parts::real()
        };
        self.server = Some(Server::start(config, parts).await.unwrap());
    }

    async fn move_in(&self) {
        let write = self.services().store.write(|tx| {
            for name in ["alice", "bob"] {
                account::add(
                    tx,
                    &NewAccount {
                        address: format!("{name}@example.com"),
                        name: String::new(),
                        credentials: store::account::Credentials::default(),
                        quota: None,
                        mailboxes: Vec::new(),
                    },
                )?;
            }
            Ok(())
        });
        write.await.unwrap();
    }

    pub(crate) fn services(&self) -> &Arc<Services> {
        &self.server.as_ref().unwrap().services
    }

    /// Where mail programs connect.
    pub(crate) fn imaps(&self) -> SocketAddr {
        let addresses = self.server.as_ref().unwrap().addresses();
        addresses.of(server::listen::Kind::Imaps)[0]
    }

    /// Stops the server; the queue stays.
    pub(crate) async fn stop(&mut self) {
        self.server.take().unwrap().stop().await;
    }

    /// Puts a message into the queue, due now.
    pub(crate) async fn queue(&self, mail: Mail<'_>) -> QueueId {
        let services = self.services();
        let header_size = mail.text.find("\r\n\r\n").unwrap() + 4;
        let mut staging = services.store.stage();
        staging.write(mail.text.as_bytes()).await.unwrap();
        let now = self.clock.now();
        let new = NewQueued {
            reverse_path: mail.from.map(String::from),
            envid: Some("QQ+1".into()),
            ret_full: mail.ret_full,
            smtputf8: false,
            eight_bit: !mail.text.is_ascii(),
            account: None,
            created: now,
            body: staging.finish(&[]).await.unwrap(),
            header_size: header_size as u32,
            recipients: mail
                .to
                .iter()
                .map(|to| NewQueuedRecipient {
                    address: to.to_string(),
                    orcpt: Some(format!("rfc822;{to}")),
                    notify: mail.notify,
                    next_attempt: now,
                    state: store::queue::State::Pending,
                })
                .collect(),
        };
        services
            .store
            .write(move |tx| queue::add(tx, &new))
            .await
            .unwrap()
    }

    /// Turns the clock.
    pub(crate) fn advance(&self, seconds: i64) {
        self.clock.advance(SignedDuration::from_secs(seconds));
    }

    /// Waits until so many messages in all have reached other servers.
    pub(crate) async fn delivered(&self, count: u64) -> Vec<lab::mail::Received> {
        match self.internet.mail.wait_for(count, SOON).await {
            Some(received) => received,
            None => panic!(
                "only {} messages; the queue is {:#?}",
                self.internet.mail.received().len(),
                self.queued()
                    .await
                    .iter()
                    .flat_map(|one| &one.recipients)
                    .collect::<Vec<_>>()
            ),
        }
    }

    pub(crate) async fn queued(&self) -> Vec<Queued> {
        self.services()
            .store
            .read(|tx| queue::list(tx, None, 1000))
            .await
            .unwrap()
    }

    /// Waits until the queue looks like this. It is looked at again whenever something was written or a moment has passed.
    pub(crate) async fn until(
        &self,
        what: &str,
        mut good: impl FnMut(&[Queued]) -> bool,
    ) -> Vec<Queued> {
        let waiting = async {
            loop {
                let queued = self.queued().await;
                if good(&queued) {
                    return queued;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        match tokio::time::timeout(SOON, waiting).await {
            Ok(queued) => queued,
            Err(_) => panic!(
                "never came: {what}; the queue is {:#?}",
                self.queued()
                    .await
                    .iter()
                    .flat_map(|one| &one.recipients)
                    .collect::<Vec<_>>()
            ),
        }
    }

    pub(crate) async fn until_empty(&self) {
        self.until("an empty queue", <[Queued]>::is_empty).await;
    }

    /// Waits until the first message's first recipient has been tried for the first time, and the outcome is recorded.
    pub(crate) async fn until_tried(&self) -> Queued {
        let tried = |queued: &[Queued]| {
            let first = queued
                .first()
                .and_then(|message| message.recipients.first());
            first.is_some_and(|one| one.attempts == 1 && one.last_error.is_some())
        };
        self.until("the first attempt", tried).await.remove(0)
    }

    /// Waits until there have been so many connections, and the last one has ended: then its outcome is recorded.
    pub(crate) async fn until_connections_end(&self, connections: u64) {
        let mail = &self.internet.mail;
        assert!(mail.wait_for_connections(connections, SOON).await);
        assert!(mail.wait_until_idle(SOON).await);
    }

    /// Runs a job now, and says how that went.
    pub(crate) async fn run_job(&self, name: &str) -> Result<Option<String>, String> {
        let run = self.services().jobs.run(name).await;
        run.expect("there is such a job").outcome
    }

    /// The messages in somebody's INBOX, as text.
    pub(crate) async fn inbox(&self, address: &str) -> Vec<String> {
        let address = address.to_string();
        let store = &self.services().store;
        let bodies = store.read(move |tx| {
            let account = account::by_address(tx, &address)?.unwrap();
            let inbox = mailbox::by_name(tx, account.id, "INBOX")?.unwrap();
            let all = [1..=u32::MAX];
            let entries = store::entry::scan(tx, account.id, inbox.id, &all, None, 1000)?;
            let ids: Vec<_> = entries.iter().map(|entry| entry.message).collect();
            let contents = store::entry::contents(tx, account.id, &ids)?;
            Ok(contents
                .into_iter()
                .map(|content| content.body)
                .collect::<Vec<_>>())
        });
        let mut texts = Vec::new();
        for body in bodies.await.unwrap() {
            let octets = store.read_body(&body, 0, body.size).await.unwrap();
            texts.push(String::from_utf8(octets).unwrap());
        }
        texts
    }

    /// Ends the test: no client fault was seen, and the store is sound.
    pub(crate) async fn finish(mut self) {
        let store = self.services().store.clone();
        self.stop().await;
        assert_eq!(self.internet.mail.faults(), Vec::<String>::new());
        assert_eq!(store.check().await.unwrap().faults, Vec::<String>::new());
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!(
                "evidence of the failed test is in {}",
                self.folder.display()
            );
        } else {
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }
}
