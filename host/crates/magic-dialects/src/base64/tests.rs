use super::{decode, encode};

#[test]
fn the_vectors_of_rfc_4648_hold() {
    let vectors =
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")];
    for (plain, coded) in vectors {
        assert_eq!(encode(plain.as_bytes()), coded);
        assert_eq!(decode(coded).as_deref(), Some(plain.as_bytes()));
    }
    assert_eq!(decode("-_8"), Some(vec![0xfb, 0xff]));
}

#[test]
fn what_is_encoded_decodes_to_itself_and_nonsense_to_nothing() {
    let bytes: Vec<u8> = (0..=255).collect();
    for end in 0..bytes.len() {
        let (head, _) = bytes.split_at(end);
        assert_eq!(decode(&encode(head)).as_deref(), Some(head));
    }
    for bad in ["A", "AAAAA", "A A=", "ü", "AA=A"] {
        assert_eq!(decode(bad), None, "{bad}");
    }
}
