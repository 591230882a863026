//! The queue's bound, and batches.
use super::{BATCH_ITEMS_MAX, ITEMS_WAITING_MAX, Queue, chunked};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use tokio::sync::Notify;

#[test]
fn what_does_not_fit_is_dropped_and_counted() {
    let queue = Queue::new(&Arc::new(Notify::new()));
    (0..ITEMS_WAITING_MAX + 7).for_each(|number| queue.push(number));
    assert_eq!(queue.dropped.load(Relaxed), 7);
    let items = queue.take();
    assert_eq!((items.len(), items.last()), (ITEMS_WAITING_MAX, Some(&(ITEMS_WAITING_MAX - 1))));
    queue.push(1);
    assert_eq!(queue.take(), [1]);
}

#[tokio::test]
async fn a_queue_that_is_half_full_wakes_the_exporter() {
    let wake = Arc::new(Notify::new());
    let queue = Queue::new(&wake);
    (0..ITEMS_WAITING_MAX / 2).for_each(|number| queue.push(number));
    wake.notified().await;
}

#[test]
fn batches_hold_all_in_order() {
    let sizes: Vec<usize> =
        chunked((0..BATCH_ITEMS_MAX * 2 + 1).collect::<Vec<_>>()).map(|chunk| chunk.len()).collect();
    assert_eq!(sizes, [BATCH_ITEMS_MAX, BATCH_ITEMS_MAX, 1]);
    assert_eq!(chunked(Vec::<u8>::new()).count(), 0);
}
