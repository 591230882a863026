//! Which call a piece belongs to, whatever the vendor leaves out: the index, the id, or both. Linear in all pieces.
use super::chunk::CallDelta;
use magic_types::stream::ChatEvent;
use std::borrow::Cow;
use std::collections::HashMap;

#[derive(Default)]
pub(super) struct Calls {
    /// The vendor's index to ours, with the id that it came with.
    by_index: HashMap<u32, (u32, String)>,
    by_id: HashMap<String, u32>,
    next: u32,
    last: Option<u32>,
    /// A whole reply's elements are whole calls, even if their ids are empty or alike.
    is_whole: bool,
}

// === impl Calls ===
impl Calls {
    pub(super) fn of_whole_reply() -> Self {
        Self { is_whole: true, ..Self::default() }
    }

    pub(super) fn piece(&mut self, call: CallDelta<'_>) -> ChatEvent {
        let function = call.function.unwrap_or_default();
        let id = call.id.filter(|id| !id.is_empty());
        let name = function.name.filter(|name| !name.is_empty());
        let index = self.index(call.index, id.as_deref(), name.is_some());
        self.last = Some(index);
        let signature = call.extra_content.and_then(|extra| extra.google).and_then(|google| google.thought_signature);
        ChatEvent::ToolCall {
            index,
            id: id.map(Cow::into_owned),
            name: name.map(Cow::into_owned),
            arguments: function.arguments.map(arguments).unwrap_or_default(),
            signature: signature.map(Cow::into_owned),
        }
    }

    fn index(&mut self, index: Option<u32>, id: Option<&str>, is_named: bool) -> u32 {
        if self.is_whole {
            return self.fresh();
        }
        match (index, id) {
            (Some(index), id) => self.by_index(index, id, is_named),
            (None, Some(id)) => match self.by_id.get(id) {
                Some(known) => *known,
                None => self.fresh_with(id),
            },
            (None, None) => match self.last {
                Some(last) if !is_named => last,
                _ => self.fresh(),
            },
        }
    }

    /// Some vendors give every call the index 0: another id with a name is another call. Others make up a new id for
    /// every piece of one call: those pieces have no name.
    fn by_index(&mut self, index: u32, id: Option<&str>, is_named: bool) -> u32 {
        let id = id.unwrap_or_default();
        if let Some((known, with)) = self.by_index.get(&index)
            && (id.is_empty() || with.is_empty() || id == with || !is_named)
        {
            return *known;
        }
        let ours = self.by_id.get(id).copied().filter(|_| !id.is_empty());
        let ours = ours.unwrap_or_else(|| if id.is_empty() { self.fresh() } else { self.fresh_with(id) });
        self.by_index.insert(index, (ours, id.to_owned()));
        ours
    }

    fn fresh_with(&mut self, id: &str) -> u32 {
        let ours = self.fresh();
        self.by_id.insert(id.to_owned(), ours);
        ours
    }

    fn fresh(&mut self) -> u32 {
        let ours = self.next;
        self.next = self.next.saturating_add(1);
        ours
    }
}

/// A string of JSON; some imitators write the object itself.
fn arguments(raw: &serde_json::value::RawValue) -> String {
    let text = raw.get();
    if text.starts_with('"') { serde_json::from_str(text).unwrap_or_default() } else { text.to_owned() }
}
