//! Signals (X32): TERM and INT stop, a second one stops at once; HUP reloads; USR1 and USR2 do nothing, since logs go to standard error.

use super::Server;
use super::notify::{self, Phase};
use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
    user1: Signal,
    user2: Signal,
}

/// What a signal asks for.
enum Wish {
    Stop,
    Reload,
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
            user1: signal(SignalKind::user_defined1())?,
            user2: signal(SignalKind::user_defined2())?,
        })
    }

    async fn next(&mut self) -> Wish {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Wish::Stop,
                _ = self.interrupt.recv() => return Wish::Stop,
                _ = self.hangup.recv() => return Wish::Reload,
                _ = self.user1.recv() => {}
                _ = self.user2.recv() => {}
            }
        }
    }

    async fn stop(&mut self) {
        while !matches!(self.next().await, Wish::Stop) {}
    }
}

pub(super) async fn run(server: Server) -> io::Result<()> {
    let mut signals = Signals::new()?;
    notify::tell(&Phase::Ready);
    tracing::info!("ready");
    while let Wish::Reload = signals.next().await {
        notify::tell(&Phase::Reloading);
        let done = server.reload().await;
        notify::tell(&Phase::Ready);
        notify::status(&match done {
            Ok(_) => "reloaded".into(),
            Err(why) => format!("reload failed, the old settings stay: {why}"),
        });
    }
    notify::tell(&Phase::Stopping);
    let grace = server.services.config.load().limits.shutdown;
    let patience = async {
        tokio::select! {
            () = signals.stop() => {}
            () = tokio::time::sleep(grace) => {}
        }
    };
    server.stop_within(patience).await;
    Ok(())
}
