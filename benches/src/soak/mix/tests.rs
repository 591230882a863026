use super::{Dealer, SORTS};

#[test]
fn seven_of_ten_requests_meet_no_fault() {
    let share = |wanted: fn(&str) -> bool| -> u64 {
        SORTS.iter().filter(|sort| wanted(sort.word)).map(|sort| sort.share).sum()
    };
    assert_eq!(share(|word| word == "good"), 700);
    assert_eq!(share(|_| true), 1000);
}

#[test]
fn a_seed_deals_the_same_requests_again_and_all_sorts_of_them() {
    let dealt = |seed: u64| {
        let mut dealer = Dealer::new(seed);
        (0..5000).map(|_| dealer.deal()).map(|(place, _, question)| (place, question)).collect::<Vec<_>>()
    };
    assert_eq!(dealt(1), dealt(1));
    assert_ne!(dealt(1), dealt(2));
    assert!((0..SORTS.len()).all(|place| dealt(1).iter().any(|(dealt, _)| *dealt == place)));
}
