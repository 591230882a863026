//! How far the logs of sessions at work have come, and their last records: whoever reads along is not sent to the disk.
//! Bounded in records and bytes a session; an entry goes when its session has ended.
use crate::event::Record;
use crate::log::Head;
use magic_types::SessionId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// A reader that is further behind than this reads from the file.
const RECENT_MAX: usize = 64;
/// Of one session; a thousand sessions that wait take some MiB.
const RECENT_BYTES_MAX: usize = 8 << 10;

#[derive(Default)]
pub(super) struct Heads(Mutex<HashMap<SessionId, Live>>);

struct Live {
    head: watch::Sender<Head>,
    recent: VecDeque<Record>,
    bytes: usize,
}

// === impl Heads ===

impl Heads {
    pub(super) fn begin(&self, session: &SessionId, head: Head) {
        self.map().entry(session.clone()).or_insert_with(|| Live::new(head));
    }

    /// Of a session that may not be known here yet: [`Heads::catch_up`] follows.
    pub(super) fn watch(&self, session: &SessionId) -> watch::Receiver<Head> {
        let unknown = Head { next_seq: 0, ended: false };
        self.map().entry(session.clone()).or_insert_with(|| Live::new(unknown)).head.subscribe()
    }

    /// As the file has it, which may be behind by now.
    pub(super) fn catch_up(&self, session: &SessionId, head: Head) {
        self.advance(session, Vec::new(), head);
    }

    pub(super) fn forget_unwatched(&self, session: &SessionId) {
        let mut map = self.map();
        if map.get(session).is_some_and(|live| live.head.receiver_count() == 0 && live.recent.is_empty()) {
            map.remove(session);
        }
    }

    /// After the commit.
    pub(super) fn advance(&self, session: &SessionId, records: Vec<Record>, head: Head) {
        let mut map = self.map();
        let live = map.entry(session.clone()).or_insert_with(|| Live::new(head));
        for record in records {
            live.keep(record);
        }
        // Commits come in order; who tells of them may be late.
        live.head.send_if_modified(|old| {
            let newer = head.next_seq > old.next_seq || (head.ended && !old.ended);
            if newer {
                *old = head;
            }
            newer
        });
        if live.head.borrow().ended {
            map.remove(session);
        }
    }

    /// Records from `from` on, if they are here.
    pub(super) fn read(&self, session: &SessionId, from: u64, max: usize) -> Option<Vec<Record>> {
        let map = self.map();
        let live = map.get(session)?;
        let first = live.recent.front()?.seq;
        let skipped = usize::try_from(from.checked_sub(first)?).ok()?;
        if skipped >= live.recent.len() {
            // Another process may have written more: the file knows.
            return None;
        }
        Some(live.recent.iter().skip(skipped).take(max).cloned().collect())
    }

    fn map(&self) -> MutexGuard<'_, HashMap<SessionId, Live>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// === impl Live ===

impl Live {
    fn new(head: Head) -> Self {
        Self { head: watch::Sender::new(head), recent: VecDeque::new(), bytes: 0 }
    }

    fn keep(&mut self, record: Record) {
        // Without a gap, or a reader would miss what is in it.
        if self.recent.back().is_some_and(|last| last.seq.saturating_add(1) != record.seq) {
            self.recent.clear();
            self.bytes = 0;
        }
        self.bytes += record.event.size_bytes();
        self.recent.push_back(record);
        while self.recent.len() > RECENT_MAX || (self.bytes > RECENT_BYTES_MAX && self.recent.len() > 1) {
            let Some(gone) = self.recent.pop_front() else { return };
            self.bytes = self.bytes.saturating_sub(gone.event.size_bytes());
        }
    }
}
