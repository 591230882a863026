use super::*;

const BYTES_MAX: usize = 300;

fn set(stores: &Stores, key: &str, len: usize, ttl_s: Option<u64>, now: Instant) -> Result<(), Refused> {
    stores.set("a", BYTES_MAX, key.to_owned(), vec![1; len], ttl_s.map(Duration::from_secs), now)
}

#[test]
fn a_component_has_its_own_store() {
    let (stores, now) = (Stores::default(), Instant::now());
    set(&stores, "k", 3, None, now).unwrap();
    assert_eq!(stores.get("a", "k", now), Some(vec![1; 3]));
    assert_eq!(stores.get("b", "k", now), None);
    stores.delete("a", "k");
    assert_eq!(stores.get("a", "k", now), None);
}

#[test]
fn the_quota_counts_keys_values_and_entries() {
    let (stores, now) = (Stores::default(), Instant::now());
    assert_eq!(set(&stores, "k", BYTES_MAX, None, now), Err(Refused::TooLarge(300)));
    assert_eq!(set(&stores, &"k".repeat(513), 0, None, now), Err(Refused::TooLarge(512)));
    set(&stores, "k1", 100, None, now).unwrap();
    set(&stores, "k2", 60, None, now).unwrap();
    assert_eq!(set(&stores, "k3", 60, None, now), Err(Refused::Quota(300)));
    // Writing anew frees the old first.
    set(&stores, "k1", 50, None, now).unwrap();
    stores.delete("a", "k2");
    set(&stores, "k3", 60, None, now).unwrap();
}

#[test]
fn what_is_past_its_time_is_gone_and_makes_room() {
    let (stores, now) = (Stores::default(), Instant::now());
    set(&stores, "k1", 200, Some(10), now).unwrap();
    let later = now + Duration::from_secs(10);
    assert!(stores.get("a", "k1", later - Duration::from_millis(1)).is_some());
    assert_eq!(stores.get("a", "k1", later), None);
    assert_eq!(set(&stores, "k2", 200, None, now), Err(Refused::Quota(300)));
    set(&stores, "k2", 200, None, later).unwrap();
}

#[test]
fn keys_are_listed_by_prefix_in_order_and_bounded() {
    let (stores, now) = (Stores::default(), Instant::now());
    for key in ["b", "a2", "a1"] {
        set(&stores, key, 0, None, now).unwrap();
    }
    assert_eq!(stores.list("a", "a", 9, now), ["a1", "a2"]);
    assert_eq!(stores.list("a", "", 2, now), ["a1", "a2"]);
    assert!(stores.list("b", "", 9, now).is_empty());
}
