//! A pattern's EXAMPLE blocks played out as turns of a conversation: `User: question`, then the assistant's text, cut
//! wherever an observation stands. Refuses to guess: an example of another form stays text.
use super::Block;
use magic_types::chat::{Message, Role};

const USER: &str = "User:";
const OPEN: &str = "<OBSERVATION>";
const CLOSE: &str = "</OBSERVATION>";

/// Whether the block can be played out, so that it need not be shown as text.
pub(super) fn is_example(block: &Block) -> bool {
    block.tag == "EXAMPLE" && block.content.trim_start().starts_with(USER)
}

/// The turns of every example, in order.
pub(crate) fn turns(structure: &[Block]) -> Vec<Message> {
    structure.iter().filter(|block| is_example(block)).flat_map(|block| played(&block.content)).collect()
}

fn played(content: &str) -> Vec<Message> {
    let said = content.trim();
    let said = said.strip_prefix(USER).unwrap_or(said);
    let (question, mut rest) = said.find('<').and_then(|at| said.split_at_checked(at)).unwrap_or((said, ""));
    let mut turns = vec![Message::text(Role::User, question.trim())];
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (observation, after) = after.split_once(CLOSE).unwrap_or((after, ""));
        turns.push(Message::text(Role::Assistant, before.trim()));
        turns.push(Message::text(Role::User, [OPEN, observation, CLOSE].concat()));
        rest = after;
    }
    turns.push(Message::text(Role::Assistant, rest.trim()));
    turns
}

#[cfg(test)]
mod tests;
