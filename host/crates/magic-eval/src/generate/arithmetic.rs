//! Bare expressions: every fourth question is of the same difficulty.
use super::{Question, Random};

pub(super) fn question(number: usize, random: &mut Random) -> Question {
    let (expression, answer) = match number % 4 {
        0 => small(random),
        1 => middle(random),
        2 => two_steps(random),
        _ => large(random),
    };
    let text = match random.between(0, 2) {
        0 => format!("What is {expression}?"),
        1 => format!("Calculate {expression}."),
        _ => format!("Compute {expression}."),
    };
    Question { text, answer }
}

/// What people do in their heads.
fn small(random: &mut Random) -> (String, String) {
    let (a, b) = (random.between(10, 99), random.between(10, 99));
    let digit = random.between(2, 9);
    match random.between(0, 2) {
        0 => (format!("{a} + {b}"), (a + b).to_string()),
        1 => (format!("{} - {}", a.max(b), a.min(b)), (a - b).abs().to_string()),
        _ => (format!("{a} * {digit}"), (a * digit).to_string()),
    }
}

/// What people do on paper.
fn middle(random: &mut Random) -> (String, String) {
    let (a, b) = (random.between(100, 999), random.between(100, 999));
    let (c, d) = (random.between(11, 99), random.between(11, 99));
    match random.between(0, 3) {
        0 => (format!("{a} + {b}"), (a + b).to_string()),
        1 => (format!("{a} - {b}"), (a - b).to_string()),
        2 => (format!("{c} * {d}"), (c * d).to_string()),
        _ => (format!("{} / {d}", c * d), c.to_string()),
    }
}

fn two_steps(random: &mut Random) -> (String, String) {
    let (a, b, c) = (random.between(11, 99), random.between(2, 19), random.between(11, 99));
    match random.between(0, 3) {
        0 => (format!("{a} * {b} + {c}"), (a * b + c).to_string()),
        1 => (format!("({a} + {c}) * {b}"), ((a + c) * b).to_string()),
        2 => (format!("{a} * {b} - {c}"), (a * b - c).to_string()),
        _ => (format!("{c} - {a} + {b}"), (c - a + b).to_string()),
    }
}

/// What people use a machine for.
fn large(random: &mut Random) -> (String, String) {
    let (a, b) = (random.between(1_000, 99_999), random.between(101, 999));
    let (c, d) = (random.between(101, 9_999), random.between(101, 9_999));
    match random.between(0, 3) {
        0 => (format!("{a} * {b}"), (a * b).to_string()),
        1 => (format!("{} / {b}", a * b), a.to_string()),
        2 => (format!("({a} - {b}) * {}", c % 97 + 3), ((a - b) * (c % 97 + 3)).to_string()),
        _ => (format!("{} + {}", hundredths(c), hundredths(d)), hundredths(c + d)),
    }
}

/// 1250 is 12.50.
fn hundredths(value: i64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}
