//! What is shown is accepted, what is not is not, and the old secret for its time.
use super::*;

fn random(seed: u8) -> [u8; RANDOM_BYTES] {
    std::array::from_fn(|at| seed.wrapping_mul(31).wrapping_add(u8::try_from(at).unwrap()))
}

fn shown(issued: &Issued) -> Shown {
    Shown::parse(issued.text.expose()).unwrap()
}

#[test]
fn a_secret_names_its_key_and_is_accepted() {
    let issued = Issued::new(&random(1));
    let shown = shown(&issued);
    assert_eq!(shown.id, issued.id);
    assert!(issued.id.as_str().starts_with("vk_") && issued.id.as_str().len() == 3 + 2 * ID_BYTES);
    assert!(Stored::new(issued.hash).accepts(&shown, 0));
    assert!(Stored::new(Hash::from_bytes(issued.hash.bytes()).unwrap()).accepts(&shown, 0), "also from the file");
}

#[test]
fn every_changed_character_is_refused() {
    let issued = Issued::new(&random(2));
    let stored = Stored::new(issued.hash);
    let text = issued.text.expose();
    for at in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
        let changed = Shown::parse(std::str::from_utf8(&bytes).unwrap());
        assert!(changed.is_none_or(|shown| !stored.accepts(&shown, 0)), "changed at {at}");
    }
}

#[test]
fn what_is_none_of_ours_is_not_even_looked_up() {
    let good = Issued::new(&random(3));
    let good = good.text.expose();
    let (longer, other) = (format!("{good}0"), format!("x{good}"));
    for text in ["", "sk-magic-", "sk-proj-abc", "sk-magic-ab-cd", &longer, &other] {
        assert!(Shown::parse(text).is_none(), "{text}");
    }
}

#[test]
fn the_old_secret_is_good_for_its_grace_and_no_longer() {
    let (first, second, third) = (Issued::new(&random(4)), random(5), random(6));
    let second = Issued::again(&first.id, &second);
    let third = Issued::again(&first.id, &third);
    assert_eq!(second.id, first.id);
    let rotated = Stored::new(first.hash).rotated(second.hash, 1000, 500);
    let accepts = |stored: &Stored, issued: &Issued, now| stored.accepts(&shown(issued), now);
    assert_eq!([1000, 1499, 1500].map(|now| accepts(&rotated, &first, now)), [true, true, false]);
    assert!(accepts(&rotated, &second, 1000) && accepts(&rotated, &second, 99_999));
    let again = rotated.rotated(third.hash, 1100, 500);
    assert_eq!([&first, &second, &third].map(|issued| accepts(&again, issued, 1101)), [false, true, true]);
    let at_once = rotated.rotated(third.hash, 1100, 0);
    assert_eq!([&first, &second, &third].map(|issued| accepts(&at_once, issued, 1100)), [false, false, true]);
}
