//! The wire form of protocol buffers, as far as OTLP needs it: fields appended to bytes. Knows no message.
//! <https://protobuf.dev/programming-guides/encoding/>

/// One message under construction. Fields with the form's default are left out where the caller says so, not here.
#[derive(Default)]
pub(super) struct Message(Vec<u8>);

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

// === impl Message ===
impl Message {
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    pub(super) fn number(&mut self, field: u32, number: u64) -> &mut Self {
        self.tag(field, VARINT);
        self.varint(number);
        self
    }

    pub(super) fn fixed64(&mut self, field: u32, number: u64) -> &mut Self {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(super) fn fixed32(&mut self, field: u32, number: u32) -> &mut Self {
        self.tag(field, FIXED32);
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(super) fn double(&mut self, field: u32, number: f64) -> &mut Self {
        self.fixed64(field, number.to_bits())
    }

    pub(super) fn bytes(&mut self, field: u32, bytes: &[u8]) -> &mut Self {
        self.tag(field, BYTES);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
        self
    }

    pub(super) fn text(&mut self, field: u32, text: &str) -> &mut Self {
        self.bytes(field, text.as_bytes())
    }

    /// A message within this one: written in its place, its length put in front of it when it is known.
    pub(super) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) -> &mut Self {
        self.tag(field, BYTES);
        let at = self.0.len();
        write(self);
        let (length, count) = varint((self.0.len() - at) as u64);
        self.0.splice(at..at, length.into_iter().take(count));
        self
    }

    /// Numbers of eight bytes each, in one field.
    pub(super) fn packed64(&mut self, field: u32, numbers: impl Iterator<Item = u64>) -> &mut Self {
        let bytes: Vec<u8> = numbers.flat_map(u64::to_le_bytes).collect();
        self.bytes(field, &bytes)
    }

    fn tag(&mut self, field: u32, form: u32) {
        self.varint(u64::from(field << 3 | form));
    }

    fn varint(&mut self, number: u64) {
        let (bytes, count) = varint(number);
        self.0.extend(bytes.into_iter().take(count));
    }
}

/// Seven bits a byte, the lowest first; at most ten bytes.
fn varint(mut number: u64) -> ([u8; 10], usize) {
    let mut bytes = [0; 10];
    for (at, byte) in bytes.iter_mut().enumerate() {
        *byte = number as u8 & 0x7f;
        number >>= 7;
        if number == 0 {
            return (bytes, at + 1);
        }
        *byte |= 0x80;
    }
    (bytes, bytes.len())
}
