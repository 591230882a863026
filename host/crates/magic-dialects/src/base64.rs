//! Base64 (RFC 4648, section 4), as sounds, pictures and vectors are sent in JSON. Reads the URL-safe alphabet as well.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4 {
            let letter = ALPHABET[(bits >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// `None` for what is not base64. Padding may be left out.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let letters = text.trim_end_matches('=').as_bytes();
    let mut out = Vec::with_capacity(letters.len() / 4 * 3 + 3);
    for chunk in letters.chunks(4) {
        let bits = chunk.iter().try_fold(0_u32, |bits, letter| Some(bits << 6 | u32::from(value(*letter)?)))?;
        let bytes = (bits << (6 * (4 - chunk.len()))).to_be_bytes();
        // Two letters hold one byte, three hold two; one alone holds none.
        let len = chunk.len().checked_sub(1).filter(|len| *len > 0)?;
        out.extend_from_slice(bytes.get(1..=len)?);
    }
    Some(out)
}

fn value(letter: u8) -> Option<u8> {
    match letter {
        b'A'..=b'Z' => Some(letter - b'A'),
        b'a'..=b'z' => Some(letter - b'a' + 26),
        b'0'..=b'9' => Some(letter - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
