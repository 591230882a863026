//! When a key is good, and what whoever shows it is told.
use super::*;
use crate::{Issued, RANDOM_BYTES};

fn key(issued: &Issued) -> VirtualKey {
    VirtualKey {
        id: issued.id.clone(),
        name: "test".to_owned(),
        team: None,
        scope: Scope::User,
        grants: Grants::default(),
        created_ms: 0,
        expires_ms: Some(1000),
        revoked_ms: None,
        secrets: Stored::new(issued.hash),
    }
}

#[test]
fn a_key_ends_when_it_expires_or_is_revoked() {
    let issued = Issued::new(&[7; RANDOM_BYTES]);
    let shown = Shown::parse(issued.text.expose()).unwrap();
    let mut key = key(&issued);
    assert_eq!(key.admits(&shown, 999), Ok(()));
    assert_eq!(key.admits(&shown, 1000), Err(Denied::Expired { key: issued.id.clone() }));
    key.revoked_ms = Some(5);
    assert_eq!(key.admits(&shown, 6), Err(Denied::Revoked { key: issued.id.clone() }));
}

#[test]
fn a_wrong_secret_does_not_learn_that_the_key_was_revoked() {
    let issued = Issued::new(&[7; RANDOM_BYTES]);
    let wrong = Issued::again(&issued.id, &[8; RANDOM_BYTES]);
    let mut key = key(&issued);
    key.revoked_ms = Some(5);
    assert_eq!(key.admits(&Shown::parse(wrong.text.expose()).unwrap(), 6), Err(Denied::NoSuchKey));
}
