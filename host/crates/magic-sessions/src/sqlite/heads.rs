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

    pub(super) fn watch(&self, session: &SessionId) -> Option<watch::Receiver<Head>> {
        self.map().get(session).map(|live| live.head.subscribe())
    }

    /// `head`: as the file has it, which may be behind by now.
    pub(super) fn watch_from(&self, session: &SessionId, head: Head) -> watch::Receiver<Head> {
        if head.ended {
            return watch::channel(head).1;
        }
        let mut map = self.map();
        let live = map.entry(session.clone()).or_insert_with(|| Live::new(head));
        live.head.subscribe()
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
            let newer = head.next_seq > old.next_seq;
            if newer {
                *old = head;
            }
            newer
        });
        if head.ended {
            map.remove(session);
        }
    }

    /// Records from `from` on, if they are here.
    pub(super) fn read(&self, session: &SessionId, from: u64, max: usize) -> Option<Vec<Record>> {
        let map = self.map();
        let live = map.get(session)?;
        let first = live.recent.front()?.seq;
        let skipped = usize::try_from(from.checked_sub(first)?).ok()?;
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
