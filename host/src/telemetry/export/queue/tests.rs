//! The queue's bounds, and batches.
use super::{BATCH_BYTES_MAX, BATCH_ITEMS_MAX, BYTES_WAITING_MAX, ITEMS_WAITING_MAX, Queue, Weighed};
use std::sync::Arc;
use tokio::sync::Notify;

/// A number, and what it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Item(usize, usize);

impl Weighed for Item {
    fn bytes(&self) -> usize {
        self.1
    }
}

fn queue() -> Queue<Item> {
    Queue::new(&Arc::new(Notify::new()))
}

fn batches(queue: &Queue<Item>) -> Vec<Vec<Item>> {
    std::iter::from_fn(|| Some(queue.take_batch()).filter(|batch| !batch.is_empty())).collect()
}

#[test]
fn what_does_not_fit_is_dropped_and_counted() {
    let queue = queue();
    (0..ITEMS_WAITING_MAX + 7).for_each(|number| queue.push(Item(number, 1)));
    assert_eq!(queue.dropped(), 7);
    let items = batches(&queue).concat();
    assert_eq!((items.len(), items.last()), (ITEMS_WAITING_MAX, Some(&Item(ITEMS_WAITING_MAX - 1, 1))));
    queue.push(Item(1, 1));
    assert_eq!(queue.take_batch(), [Item(1, 1)]);
}

#[test]
fn large_items_are_dropped_before_they_take_more_memory_than_they_may() {
    let queue = queue();
    (0..20).for_each(|number| queue.push(Item(number, BYTES_WAITING_MAX / 16)));
    assert_eq!(queue.dropped(), 4);
    queue.take_batch();
    queue.push(Item(20, BYTES_WAITING_MAX / 16));
    assert_eq!(queue.dropped(), 4, "what was taken out makes room");
}

#[tokio::test]
async fn a_queue_that_is_half_full_wakes_the_exporter() {
    for (count, weight) in [(ITEMS_WAITING_MAX / 2, 1), (8, BYTES_WAITING_MAX / 16)] {
        let wake = Arc::new(Notify::new());
        let queue = Queue::new(&wake);
        (0..count).for_each(|number| queue.push(Item(number, weight)));
        wake.notified().await;
    }
}

#[test]
fn batches_hold_all_in_order_and_each_no_more_than_one_export_may() {
    let queue = queue();
    (0..BATCH_ITEMS_MAX * 2 + 1).for_each(|number| queue.push(Item(number, 1)));
    let sizes: Vec<usize> = batches(&queue).iter().map(Vec::len).collect();
    assert_eq!(sizes, [BATCH_ITEMS_MAX, BATCH_ITEMS_MAX, 1]);

    let weights = [BATCH_BYTES_MAX / 2, BATCH_BYTES_MAX / 2, 1, BATCH_BYTES_MAX + 1, 1];
    weights.into_iter().enumerate().for_each(|(number, weight)| queue.push(Item(number, weight)));
    let numbers: Vec<Vec<usize>> =
        batches(&queue).iter().map(|batch| batch.iter().map(|item| item.0).collect()).collect();
    assert_eq!(numbers, [vec![0, 1], vec![2], vec![3], vec![4]]);
}
