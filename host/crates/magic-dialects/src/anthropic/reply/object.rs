//! Where the JSON object in a call's arguments ends, found while it streams. Does not validate it.

/// Linear in what it is fed.
#[derive(Default)]
pub(super) struct Extent {
    depth: u32,
    in_text: bool,
    after_backslash: bool,
    is_complete: bool,
}

// === impl Extent ===
impl Extent {
    pub(super) fn take_in(&mut self, piece: &str) {
        piece.bytes().for_each(|byte| self.byte(byte));
    }

    /// The object was closed. Arguments that are no object are never complete.
    pub(super) fn is_complete(&self) -> bool {
        self.is_complete
    }

    fn byte(&mut self, byte: u8) {
        if self.in_text {
            let escaped = std::mem::take(&mut self.after_backslash);
            match byte {
                _ if escaped => {}
                b'\\' => self.after_backslash = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => {
                self.depth = self.depth.saturating_sub(1);
                self.is_complete |= self.depth == 0;
            }
            _ => {}
        }
    }
}
