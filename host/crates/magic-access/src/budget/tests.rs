//! Budgets: what is held, what is refused, and that many at one time spend exactly what there is.
use super::*;

#[test]
fn money_is_read_exactly() {
    let read = |text| Money::parse(text).map(|money| (money.0, money.to_string()));
    assert_eq!(read("12.50"), Ok((12_500_000, "12.5".to_owned())));
    assert_eq!(read("0.000001"), Ok((1, "0.000001".to_owned())));
    assert_eq!(read("100"), Ok((100_000_000, "100".to_owned())));
    for text in ["", "0", "0.0", "-1", "1e3", "1.0000001", ".5", "5.", "1,5", "99999999999999999"] {
        assert!(Money::parse(text).is_err(), "{text}");
    }
}

#[test]
fn what_is_left_is_held_once() {
    let room = |spent, held| Room { spent, held };
    assert_eq!(room(0, 0).hold(30, 100), Ok(30));
    assert_eq!(room(50, 40).hold(30, 100), Ok(10), "no more than there is");
    assert_eq!(room(50, 50).hold(30, 100), Err(Refusal::Held));
    assert_eq!(room(100, 0).hold(30, 100), Err(Refusal::Spent));
    assert_eq!(room(120, 10).hold(30, 100), Err(Refusal::Spent), "also when it was overdrawn");
    assert_eq!(room(0, 0).hold(0, 100), Ok(1), "never nothing: else any number could begin at once");
    assert_eq!(room(50, 40).settled(40, 25), room(75, 0));
}

/// Deterministic chance (splitmix64).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// Clients at one time against one budget, each request costing what `cost` says of its estimate. What was spent, and
/// what requests cost over their holds.
fn run(seed: u64, amount: u64, clients: usize, estimate: u64, cost: fn(u64, &mut Dice) -> u64) -> (u64, u64) {
    let mut dice = Dice(seed);
    let (mut room, mut over) = (Room::default(), 0);
    let mut under_way: Vec<(u64, u64)> = Vec::new();
    for _ in 0..100_000 {
        let begins = under_way.len() < clients && dice.below(2) == 0;
        if begins {
            let expected = estimate / 2 + dice.below(estimate);
            if let Ok(hold) = room.hold(expected, amount) {
                under_way.push((hold, cost(expected, &mut dice)));
                room.held += hold;
            }
        } else if !under_way.is_empty() {
            let at = usize::try_from(dice.below(under_way.len() as u64)).unwrap();
            let (hold, cost) = under_way.swap_remove(at);
            over += cost.saturating_sub(hold);
            room = room.settled(hold, cost);
        }
        let holds: u64 = under_way.iter().map(|(hold, _)| hold).sum();
        assert_eq!(room.held, holds, "seed {seed}");
        assert!(room.spent + room.held <= amount + over, "seed {seed}");
    }
    (room.spent, over)
}

#[test]
fn many_at_one_time_spend_the_budget_and_no_more_than_they_cost_over_their_holds() {
    for seed in 0..20 {
        let (spent, over) = run(seed, 1_000_000, 100, 1000, |estimate, dice| dice.below(estimate + 1));
        assert!((1_000_000..=1_000_000 + over).contains(&spent), "seed {seed}: {spent}, {over} over");
        // Only whoever got less than it was thought to need can cost more than that here.
        assert!(over <= 1500 * 100, "seed {seed}: {over}");
    }
}

#[test]
fn requests_of_a_known_cost_spend_it_to_the_last_micro() {
    for seed in 0..20 {
        let mut dice = Dice(seed);
        let mut room = Room::default();
        let mut held: Vec<u64> = Vec::new();
        let mut admitted = 0;
        for _ in 0..10_000 {
            if held.len() < 100 && dice.below(3) > 0 {
                // The estimate is three times the cost.
                if let Ok(hold) = room.hold(3 * 777, 1000 * 777) {
                    room.held += hold;
                    held.push(hold);
                    admitted += 1;
                }
            } else if let Some(hold) = held.pop() {
                room = room.settled(hold, 777);
            }
        }
        for hold in held {
            room = room.settled(hold, 777);
        }
        assert_eq!((admitted, room), (1000, Room { spent: 1000 * 777, held: 0 }), "seed {seed}");
    }
}

#[test]
fn a_budget_says_what_it_is() {
    let says = |amount, window| Budget { amount, window }.to_string();
    assert_eq!(says(Amount::Money(Money(12_500_000)), Window::Month), "12.5 a month");
    assert_eq!(says(Amount::Tokens(1000), Window::Total), "1000 tokens in total");
    assert_eq!(says(Amount::Tokens(1000), Window::parse("5h").unwrap()), "1000 tokens every 5h");
}
