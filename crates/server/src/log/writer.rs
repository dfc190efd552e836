//! The thread that writes log lines, and the queue before it.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Lines that may wait. A full queue costs about 2 MB.
const QUEUE: usize = 8192;

/// A line that comes so soon after another waits for more: waking the thread for each would cost more than the line.
const GATHER: Duration = Duration::from_millis(10);

/// Takes lines; clones share the queue.
#[derive(Clone)]
pub(super) struct Writer {
    queue: SyncSender<Message>,
    lost: Arc<AtomicU64>,
}

enum Message {
    Line(String),
    End,
}

/// Writes what is still queued when it is dropped.
pub struct Flush {
    queue: SyncSender<Message>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Starts the thread, which writes to standard error; `lost_lines` makes the line that tells how many are missing.
    pub(super) fn start(lost_lines: fn(u64) -> String) -> io::Result<(Writer, Flush)> {
        let (queue, lines) = sync_channel(QUEUE);
        let lost = Arc::new(AtomicU64::new(0));
        let counter = lost.clone();
        let thread = std::thread::Builder::new()
            .name("log".into())
            .spawn(move || write(&lines, &counter, lost_lines))?;
        Ok((
            Writer {
                queue: queue.clone(),
                lost,
            },
            Flush {
                queue,
                thread: Some(thread),
            },
        ))
    }

    /// Queues a line, or counts it as lost.
    pub(super) fn write(&self, line: String) {
        if self.queue.try_send(Message::Line(line)).is_err() {
            self.lost.fetch_add(1, Relaxed);
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        let _ = self.queue.send(Message::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn write(lines: &Receiver<Message>, lost: &AtomicU64, lost_lines: fn(u64) -> String) {
    let mut batch = String::new();
    while let Ok(first) = lines.recv() {
        let mut end = push(&mut batch, first);
        // What has gathered meanwhile is written with one call.
        while batch.len() < 1 << 16
            && let Ok(next) = lines.try_recv()
        {
            end |= push(&mut batch, next);
        }
        let missing = lost.swap(0, Relaxed);
        if missing > 0 {
            batch.push_str(&lost_lines(missing));
        }
        // Where standard error is gone, there is nobody to tell.
        let _ = io::stderr().lock().write_all(batch.as_bytes());
        batch.clear();
        if end {
            return;
        }
        std::thread::sleep(GATHER);
    }
}

/// Adds a line to the batch; true at the end.
fn push(batch: &mut String, message: Message) -> bool {
    match message {
        Message::Line(line) => batch.push_str(&line),
        Message::End => return true,
    }
    false
}

#[cfg(test)]
impl Writer {
    /// A writer, and what takes out its lines.
    pub(super) fn memory() -> (Writer, impl Fn() -> Vec<String>) {
        let (queue, messages) = sync_channel(QUEUE);
        let taken = move || {
            let lines = messages.try_iter().filter_map(|message| match message {
                Message::Line(line) => Some(line),
                Message::End => None,
            });
            lines.collect()
        };
        (
            Writer {
                queue,
                lost: Arc::default(),
            },
            taken,
        )
    }
}
