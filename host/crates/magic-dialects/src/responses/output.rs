//! What a response has said so far, as output items that open, grow and close. Takes in events and blocks, tells what
//! changed; writes no frame. A message or a run of reasoning is closed by the next item; calls stay open to the end, for
//! pieces of several may come in turns.
use crate::reply::{Block, Call as WholeCall};
use magic_types::stream::ChatEvent;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

pub(super) struct Output {
    /// The head's: every item's id is made from it.
    id: String,
    pub(super) items: Vec<Item>,
    /// The message or the reasoning that the next piece may go on with. It is the last item but for calls that go on.
    current: Option<usize>,
    calls: BTreeMap<u32, Slot>,
    call_ids: BTreeSet<String>,
    /// Since [`Self::changes`] was last emptied.
    pub(super) changes: Vec<Change>,
}

pub(super) struct Item {
    pub(super) id: String,
    pub(super) said: Said,
    pub(super) state: State,
}

pub(super) enum Said {
    Message(Vec<Part>),
    /// A seal without a summary is reasoning that only its vendor can read.
    Reasoning {
        summary: Option<String>,
        seal: Option<String>,
    },
    Call {
        call_id: String,
        name: String,
        arguments: String,
        signature: Option<String>,
    },
}

pub(super) enum Part {
    Text(String),
    Refusal(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Open,
    Done,
    /// The reply ended before the item did.
    CutShort,
}

/// Numbers are those of the item and of the part in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    ItemAdded(usize),
    PartAdded(usize, usize),
    /// The part's text from this byte on is new.
    Grown(usize, usize, usize),
    PartDone(usize, usize),
    ItemDone(usize),
}

/// A call is an item as soon as its name is known, for an item is announced with it.
enum Slot {
    Unnamed { id: String, arguments: String, signature: Option<String> },
    At(usize),
}

#[derive(Default)]
struct Piece<'a> {
    id: &'a str,
    name: &'a str,
    arguments: &'a str,
    signature: Option<&'a str>,
}

// === impl Output ===
impl Output {
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            items: Vec::new(),
            current: None,
            calls: BTreeMap::new(),
            call_ids: BTreeSet::new(),
            changes: Vec::new(),
        }
    }

    pub(super) fn take_in(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Text(piece) => self.text(piece),
            ChatEvent::Refusal(piece) => self.refusal(piece),
            ChatEvent::Reasoning(piece) => self.reasoning(piece),
            ChatEvent::Signature(seal) => self.seal(seal),
            ChatEvent::RedactedReasoning(sealed) => self.redacted(sealed),
            ChatEvent::ToolCall { index, id, name, arguments, signature } => {
                let (id, name) = (id.as_deref().unwrap_or_default(), name.as_deref().unwrap_or_default());
                self.call(*index, &Piece { id, name, arguments, signature: signature.as_deref() });
            }
            ChatEvent::Finish(_) | ChatEvent::Usage(_) => {}
        }
    }

    /// A whole reply's block says the same as the events that it is made of.
    pub(super) fn take_block(&mut self, block: &Block) {
        match block {
            Block::Text(text) => self.text(text),
            Block::Refusal(text) => self.refusal(text),
            Block::Reasoning { text, signature } => {
                self.reasoning(text);
                if let Some(seal) = signature {
                    self.seal(seal);
                }
            }
            Block::RedactedReasoning(sealed) => self.redacted(sealed),
            Block::ToolCall(WholeCall { index, id, name, arguments, signature }) => {
                self.call(*index, &Piece { id, name, arguments, signature: signature.as_deref() });
            }
        }
    }

    /// Nothing more comes. With `cut_short` it is the last item that the model did not get to the end of.
    pub(super) fn close(&mut self, cut_short: bool) {
        for (index, slot) in std::mem::take(&mut self.calls) {
            if let Slot::Unnamed { id, arguments, signature } = slot {
                let piece = Piece { id: &id, name: "", arguments: &arguments, signature: signature.as_deref() };
                self.announce(index, &piece);
            }
        }
        let last = self.items.len().saturating_sub(1);
        for at in 0..self.items.len() {
            let state = if cut_short && at == last { State::CutShort } else { State::Done };
            self.close_item(at, state);
        }
        self.current = None;
    }

    fn text(&mut self, piece: &str) {
        self.write(piece, |part| if let Part::Text(text) = part { Some(text) } else { None }, Part::Text);
    }

    fn refusal(&mut self, piece: &str) {
        self.write(piece, |part| if let Part::Refusal(text) = part { Some(text) } else { None }, Part::Refusal);
    }

    /// Goes on with the message's last part if it is of the right sort, else begins one.
    fn write(&mut self, piece: &str, same: impl Fn(&mut Part) -> Option<&mut String>, new: impl Fn(String) -> Part) {
        if piece.is_empty() {
            return;
        }
        let at = match self.current {
            Some(at) if matches!(self.items.get(at), Some(Item { said: Said::Message(_), .. })) => at,
            _ => self.add(Said::Message(Vec::new()), "msg"),
        };
        let Some(Item { said: Said::Message(parts), .. }) = self.items.get_mut(at) else { return };
        let last = parts.len().saturating_sub(1);
        if let Some(text) = parts.last_mut().and_then(same) {
            self.changes.push(Change::Grown(at, last, text.len()));
            text.push_str(piece);
            return;
        }
        if !parts.is_empty() {
            self.changes.push(Change::PartDone(at, last));
        }
        let place = parts.len();
        parts.push(new(piece.to_owned()));
        self.changes.extend([Change::PartAdded(at, place), Change::Grown(at, place, 0)]);
    }

    fn reasoning(&mut self, piece: &str) {
        if piece.is_empty() {
            return;
        }
        let at = self.open_reasoning();
        if let Some(Item { said: Said::Reasoning { summary: Some(text), .. }, .. }) = self.items.get_mut(at) {
            self.changes.push(Change::Grown(at, 0, text.len()));
            text.push_str(piece);
        }
    }

    fn seal(&mut self, given: &str) {
        let at = self.open_reasoning();
        if let Some(Item { said: Said::Reasoning { seal, .. }, .. }) = self.items.get_mut(at) {
            *seal = Some(given.to_owned());
        }
        self.close_current();
    }

    fn redacted(&mut self, sealed: &str) {
        self.add(Said::Reasoning { summary: None, seal: Some(sealed.to_owned()) }, "rs");
        self.close_current();
    }

    /// Reasoning that is `current` has no seal yet: a seal closes it.
    fn open_reasoning(&mut self) -> usize {
        match self.current {
            Some(at) if matches!(self.items.get(at), Some(Item { said: Said::Reasoning { .. }, .. })) => at,
            _ => {
                let at = self.add(Said::Reasoning { summary: Some(String::new()), seal: None }, "rs");
                self.changes.push(Change::PartAdded(at, 0));
                at
            }
        }
    }

    fn call(&mut self, index: u32, piece: &Piece<'_>) {
        match self.calls.get_mut(&index) {
            Some(Slot::At(at)) => {
                let at = *at;
                self.grow_call(at, piece);
            }
            Some(Slot::Unnamed { id, arguments, signature }) => {
                if !piece.id.is_empty() {
                    piece.id.clone_into(id);
                }
                arguments.push_str(piece.arguments);
                *signature = piece.signature.map(str::to_owned).or_else(|| signature.take());
                if !piece.name.is_empty() {
                    let (id, arguments, seal) = (std::mem::take(id), std::mem::take(arguments), signature.take());
                    let whole = Piece { id: &id, name: piece.name, arguments: &arguments, signature: seal.as_deref() };
                    self.announce(index, &whole);
                }
            }
            None if piece.name.is_empty() => {
                let (id, arguments) = (piece.id.to_owned(), piece.arguments.to_owned());
                let signature = piece.signature.map(str::to_owned);
                self.calls.insert(index, Slot::Unnamed { id, arguments, signature });
            }
            None => self.announce(index, piece),
        }
    }

    fn announce(&mut self, index: u32, piece: &Piece<'_>) {
        let call_id = self.call_id(piece.id);
        let name = piece.name.to_owned();
        let at = self.add(Said::Call { call_id, name, arguments: String::new(), signature: None }, "fc");
        // A call is never gone on with by text.
        self.current = None;
        self.calls.insert(index, Slot::At(at));
        self.grow_call(at, piece);
    }

    fn grow_call(&mut self, at: usize, piece: &Piece<'_>) {
        if let Some(Item { said: Said::Call { arguments, signature, .. }, .. }) = self.items.get_mut(at) {
            if !piece.arguments.is_empty() {
                self.changes.push(Change::Grown(at, 0, arguments.len()));
                arguments.push_str(piece.arguments);
            }
            *signature = piece.signature.map(str::to_owned).or_else(|| signature.take());
        }
    }

    /// The vendor's, unless it gave none or one twice: clients tell calls apart by it.
    fn call_id(&mut self, given: &str) -> String {
        let made = || format!("call_{}_{}", self.id, self.items.len());
        let id = if given.is_empty() || self.call_ids.contains(given) { made() } else { given.to_owned() };
        self.call_ids.insert(id.clone());
        id
    }

    fn add(&mut self, said: Said, prefix: &str) -> usize {
        self.close_current();
        let at = self.items.len();
        self.items.push(Item { id: format!("{prefix}_{}_{at}", self.id), said, state: State::Open });
        self.changes.push(Change::ItemAdded(at));
        self.current = Some(at);
        at
    }

    fn close_current(&mut self) {
        if let Some(at) = self.current.take() {
            self.close_item(at, State::Done);
        }
    }

    fn close_item(&mut self, at: usize, state: State) {
        let Some(item) = self.items.get_mut(at).filter(|item| item.state == State::Open) else { return };
        item.state = state;
        let open_part = match &item.said {
            Said::Message(parts) => parts.len().checked_sub(1),
            Said::Reasoning { summary, .. } => summary.as_ref().map(|_| 0),
            Said::Call { .. } => Some(0),
        };
        self.changes.extend(open_part.map(|part| Change::PartDone(at, part)));
        self.changes.push(Change::ItemDone(at));
    }
}

// === impl State ===
impl State {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Open => "in_progress",
            Self::Done => "completed",
            Self::CutShort => "incomplete",
        }
    }
}

/// An item as clients read it: `ResponseOutputItem` in OpenAI's reference.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ItemJson<'a> {
    Message {
        id: &'a str,
        status: &'static str,
        role: &'static str,
        content: Vec<PartJson<'a>>,
    },
    Reasoning {
        id: &'a str,
        status: &'static str,
        summary: Vec<PartJson<'a>>,
        #[serde(skip_serializing_if = "Option::is_none")]
        encrypted_content: Option<&'a str>,
    },
    FunctionCall {
        id: &'a str,
        status: &'static str,
        call_id: &'a str,
        name: &'a str,
        arguments: &'a str,
        /// Google's own place for it in OpenAI's dialect.
        #[serde(skip_serializing_if = "Option::is_none")]
        extra_content: Option<serde_json::Value>,
    },
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum PartJson<'a> {
    OutputText { text: &'a str, annotations: [u8; 0], logprobs: [u8; 0] },
    Refusal { refusal: &'a str },
    SummaryText { text: &'a str },
}

// === impl Item ===
impl Item {
    /// As it is now; one that is only announced is shown empty.
    pub(super) fn json(&self, announced_only: bool) -> ItemJson<'_> {
        let id = &self.id;
        let status = if announced_only { State::Open.as_str() } else { self.state.as_str() };
        match &self.said {
            Said::Message(parts) => {
                let parts = parts.iter().filter(|_| !announced_only);
                ItemJson::Message { id, status, role: "assistant", content: parts.map(Part::json).collect() }
            }
            Said::Reasoning { summary, seal } => {
                let summary = summary.iter().filter(|_| !announced_only);
                ItemJson::Reasoning {
                    id,
                    status,
                    summary: summary.map(|text| PartJson::SummaryText { text }).collect(),
                    encrypted_content: seal.as_deref().filter(|_| !announced_only),
                }
            }
            Said::Call { call_id, name, arguments, signature } => ItemJson::FunctionCall {
                id,
                status,
                call_id,
                name,
                arguments: if announced_only { "" } else { arguments },
                extra_content: signature
                    .as_ref()
                    .filter(|_| !announced_only)
                    .map(|seal| serde_json::json!({ "google": { "thought_signature": seal } })),
            },
        }
    }

    /// The text of one part: of a message, of reasoning, or the arguments of a call.
    pub(super) fn text(&self, part: usize) -> &str {
        match &self.said {
            Said::Message(parts) => parts.get(part).map(Part::text).unwrap_or_default(),
            Said::Reasoning { summary, .. } => summary.as_deref().unwrap_or_default(),
            Said::Call { arguments, .. } => arguments,
        }
    }
}

// === impl Part ===
impl Part {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Refusal(text) => text,
        }
    }

    fn json(&self) -> PartJson<'_> {
        match self {
            Self::Text(text) => PartJson::OutputText { text, annotations: [], logprobs: [] },
            Self::Refusal(refusal) => PartJson::Refusal { refusal },
        }
    }
}
