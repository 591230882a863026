//! Problems in words: in turn of one step and of two. Names and things change nothing, numbers do.
use super::{Question, Random};

const NAMES: [&str; 8] = ["Anna", "Ben", "Chloe", "David", "Emma", "Farid", "Grace", "Hugo"];
const THINGS: [&str; 8] = ["apples", "books", "marbles", "stamps", "pencils", "stickers", "cards", "shells"];

pub(super) fn question(number: usize, random: &mut Random) -> Question {
    let (text, answer) = if number.is_multiple_of(2) { one_step(random) } else { two_steps(random) };
    Question { text, answer: answer.to_string() }
}

fn one_step(random: &mut Random) -> (String, i64) {
    let (name, things) = (*random.one_of(&NAMES), *random.one_of(&THINGS));
    let (a, b) = (random.between(12, 480), random.between(12, 480));
    let (large, small) = (a.max(b) + 1, a.min(b));
    let (c, d) = (random.between(3, 48), random.between(3, 24));
    match random.between(0, 5) {
        0 => (format!("{name} has {a} {things} and buys {b} more. How many {things} does {name} have now?"), a + b),
        1 => (
            format!(
                "There were {large} {things} in a shop, and {small} of them were sold. How many {things} are left?"
            ),
            large - small,
        ),
        2 => (format!("A box holds {c} {things}. How many {things} are in {d} full boxes?"), c * d),
        3 => (
            format!("{} {things} are shared equally among {d} children. How many {things} does each child get?", c * d),
            c,
        ),
        4 => {
            (format!("{name} walks {c} kilometres every day. How many kilometres does {name} walk in {d} days?"), c * d)
        }
        _ => (
            format!(
                "{name} is {large} cm tall, and a chair is {small} cm tall. By how many cm is {name} taller than the chair?"
            ),
            large - small,
        ),
    }
}

fn two_steps(random: &mut Random) -> (String, i64) {
    let (name, things) = (*random.one_of(&NAMES), *random.one_of(&THINGS));
    let (count, price) = (random.between(3, 24), random.between(2, 19));
    let (days, more) = (random.between(3, 14), random.between(5, 95));
    let cost = count * price;
    match random.between(0, 5) {
        0 => (
            format!(
                "{name} buys {count} {things} at {price} dollars each and pays with {} dollars. How many dollars does {name} get back?",
                cost + more
            ),
            more,
        ),
        1 => (
            format!(
                "A train goes {} km an hour for {days} hours and then another {more} km. How many km does it go in all?",
                price * 10
            ),
            price * 10 * days + more,
        ),
        2 => (
            format!(
                "A hall has {count} rows of {} seats. {more} seats are taken. How many seats are free?",
                price + 32
            ),
            count * (price + 32) - more,
        ),
        3 => (
            format!(
                "{name} earns {} dollars an hour, works {days} hours and then spends {more} dollars. How many dollars are left?",
                price + 31
            ),
            (price + 31) * days - more,
        ),
        4 => (
            format!(
                "{name} reads {count} pages a day for {days} days. The book has {} pages. How many pages are left to read?",
                count * days + more
            ),
            more,
        ),
        _ => (
            format!(
                "{name} has {} {things}, gives {more} away and packs the rest into {count} equal bags. How many {things} are in each bag?",
                cost + more
            ),
            price,
        ),
    }
}
