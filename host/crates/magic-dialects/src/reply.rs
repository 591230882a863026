//! A model's reply, whole: events collected into blocks, in the order in which the model made them. What a writer of any
//! dialect tells a client that does not stream, and what a session's step gets.
use magic_types::Usage;
use magic_types::chat::FinishReason;
use magic_types::stream::ChatEvent;

/// What the model has said so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reply {
    pub blocks: Vec<Block>,
    /// `None`: it has not ended yet.
    pub finish: Option<FinishReason>,
    pub usage: Option<Usage>,
    /// Of all texts and arguments, for whoever bounds them.
    pub bytes: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Block {
    Text(String),
    Reasoning { text: String, signature: Option<String> },
    RedactedReasoning(String),
    Refusal(String),
    ToolCall(Call),
}

/// Pieces of one index, joined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Call {
    pub index: u32,
    pub id: String,
    pub name: String,
    pub arguments: String,
    pub signature: Option<String>,
}

// === impl Reply ===
impl Reply {
    pub fn of(events: &[ChatEvent]) -> Self {
        let mut reply = Self::default();
        events.iter().for_each(|event| reply.take_in(event));
        reply
    }

    pub fn take_in(&mut self, event: &ChatEvent) {
        match event {
            ChatEvent::Text(text) => self.text(text),
            ChatEvent::Reasoning(text) => self.reasoning(text),
            ChatEvent::Signature(seal) => self.seal(seal),
            ChatEvent::RedactedReasoning(sealed) => self.blocks.push(Block::RedactedReasoning(sealed.clone())),
            ChatEvent::Refusal(text) => self.refusal(text),
            ChatEvent::ToolCall { index, id, name, arguments, signature } => {
                self.bytes += arguments.len();
                let call = self.call(*index);
                // A vendor that repeats id and name in every piece says the same each time.
                if let Some(id) = id.as_ref().filter(|id| !id.is_empty()) {
                    call.id.clone_from(id);
                }
                if let Some(name) = name.as_ref().filter(|name| !name.is_empty()) {
                    call.name.clone_from(name);
                }
                call.arguments.push_str(arguments);
                call.signature = signature.clone().or_else(|| call.signature.take());
            }
            ChatEvent::Finish(reason) => self.finish = Some(*reason),
            ChatEvent::Usage(usage) => self.usage = Some(*usage),
        }
    }

    /// All texts, joined as they came.
    pub fn answer(&self) -> String {
        self.joined(|block| if let Block::Text(text) = block { Some(text) } else { None })
    }

    pub fn thoughts(&self) -> String {
        self.joined(|block| if let Block::Reasoning { text, .. } = block { Some(text) } else { None })
    }

    pub fn refusals(&self) -> String {
        self.joined(|block| if let Block::Refusal(text) = block { Some(text) } else { None })
    }

    pub fn calls(&self) -> impl Iterator<Item = &Call> {
        self.blocks.iter().filter_map(|block| if let Block::ToolCall(call) = block { Some(call) } else { None })
    }

    fn joined<'a>(&'a self, pick: impl Fn(&'a Block) -> Option<&'a String>) -> String {
        self.blocks.iter().filter_map(pick).map(String::as_str).collect()
    }

    fn text(&mut self, piece: &str) {
        self.bytes += piece.len();
        match self.blocks.last_mut() {
            Some(Block::Text(text)) => text.push_str(piece),
            _ => self.blocks.push(Block::Text(piece.to_owned())),
        }
    }

    fn reasoning(&mut self, piece: &str) {
        self.bytes += piece.len();
        match self.blocks.last_mut() {
            Some(Block::Reasoning { text, signature: None }) => text.push_str(piece),
            _ => self.blocks.push(Block::Reasoning { text: piece.to_owned(), signature: None }),
        }
    }

    /// A seal closes the block that it is on; one without reasoning seals an empty block.
    fn seal(&mut self, seal: &str) {
        match self.blocks.last_mut() {
            Some(Block::Reasoning { signature: signature @ None, .. }) => *signature = Some(seal.to_owned()),
            _ => self.blocks.push(Block::Reasoning { text: String::new(), signature: Some(seal.to_owned()) }),
        }
    }

    fn refusal(&mut self, piece: &str) {
        self.bytes += piece.len();
        match self.blocks.last_mut() {
            Some(Block::Refusal(text)) => text.push_str(piece),
            _ => self.blocks.push(Block::Refusal(piece.to_owned())),
        }
    }

    fn call(&mut self, index: u32) -> &mut Call {
        let is_it = |block: &Block| matches!(block, Block::ToolCall(call) if call.index == index);
        let at = self.blocks.iter().position(is_it).unwrap_or(self.blocks.len());
        if at == self.blocks.len() {
            self.blocks.push(Block::ToolCall(Call { index, ..Call::default() }));
        }
        match &mut self.blocks[at] {
            Block::ToolCall(call) => call,
            _ => unreachable!("the block at `at` was found or pushed as a call"),
        }
    }
}
