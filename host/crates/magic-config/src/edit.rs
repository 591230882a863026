//! A config's text changed at one place, every other line as it was: comments, order and style stay. Pure: text in, text out.
//! Nothing is trusted: what an edit yields is read again, and refused unless it says exactly what was asked for.
mod outline;
mod path;
mod render;
mod splice;

use crate::problem::Problem;
use crate::yaml::{self, Node};
use outline::Outline;
use path::Step;
use serde::de::{Deserialize, Deserializer};

pub use path::Path;

/// What one request may change; more is a new file.
pub const EDITS_MAX: usize = 200;
const WHOLE: &str = "send the whole text instead";

/// One change of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Edit {
    pub path: Path,
    pub change: Change,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Put in what is missing, appended to a list where the index is its length; what is there is replaced.
    Set(Value),
    Remove,
}

/// What is to stand there, with the order of its keys. Read from JSON or YAML.
#[derive(Clone, Debug, PartialEq)]
pub struct Value(Node);

/// The text after all edits, one after the other.
///
/// # Errors
/// The first edit that cannot be made, with its path and why; or what cannot be done without touching other lines.
pub fn edit(text: &str, edits: &[Edit]) -> Result<String, Problem> {
    if edits.len() > EDITS_MAX {
        return Err(
            Problem::new("", format!("{} edits; at most {EDITS_MAX} are made at once", edits.len())).hint(WHOLE)
        );
    }
    let mut parts_left = EDITS_MAX;
    edits.iter().try_fold(text.to_owned(), |text, edit| one(&text, edit, &mut parts_left))
}

/// `parts_left`: in how many more parts values may be set. The file is read again for each; a value of more parts is
/// replaced whole.
fn one(text: &str, edit: &Edit, parts_left: &mut usize) -> Result<String, Problem> {
    let before = yaml::read(text)?;
    let intended = applied(&before, &edit.path, &edit.change)?;
    if same(&before, &intended) {
        return Ok(text.to_owned());
    }
    // The smallest change that says it: what is equal inside of a mapping or a list keeps its lines and comments.
    let mut parts = Vec::new();
    if let (Change::Set(Value(new)), Some(old)) = (&edit.change, at(&before, edit.path.steps())) {
        differences(&edit.path, old, new, &mut parts);
    }
    let is_split = parts.len() > 1 || parts.first().is_some_and(|part| part.path != edit.path);
    if is_split && parts.len() <= *parts_left {
        *parts_left -= parts.len();
        let done = parts.iter().try_fold(text.to_owned(), |text, part| spliced(&text, part));
        if let Ok(done) = done.and_then(|done| checked(done, &intended, edit)) {
            return Ok(done);
        }
    }
    checked(spliced(text, edit)?, &intended, edit)
}

fn spliced(text: &str, edit: &Edit) -> Result<String, Problem> {
    let outline = Outline::read(text).map_err(|why| Problem::new(edit.path.to_string(), why).hint(WHOLE))?;
    let splices = match &edit.change {
        Change::Set(Value(value)) => splice::set(text, &outline, edit.path.steps(), value),
        Change::Remove => splice::remove(text, &outline, edit.path.steps()),
    };
    splices
        .and_then(|splices| splice::carried_out(text, splices))
        .map_err(|why| Problem::new(edit.path.to_string(), why).hint(WHOLE))
}

fn checked(text: String, intended: &Node, edit: &Edit) -> Result<String, Problem> {
    match yaml::read(&text) {
        Ok(after) if same(&after, intended) => Ok(text),
        Ok(_) | Err(_) => Err(Problem::new(
            edit.path.to_string(),
            "cannot be changed by itself: an anchor (`&name`), a merge (`<<`) or an unusual form ties it to other lines",
        )
        .hint(WHOLE)),
    }
}

/// The tree that an edit asks for.
fn applied(tree: &Node, path: &Path, change: &Change) -> Result<Node, Problem> {
    let mut tree = tree.clone();
    apply(&mut tree, path.steps(), change).map_err(|why| Problem::new(path.to_string(), why))?;
    Ok(tree)
}

fn apply(node: &mut Node, steps: &[Step], change: &Change) -> Result<(), String> {
    const NOTHING: &str = "nothing stands there";
    let Some((step, rest)) = steps.split_first() else {
        let Change::Set(Value(value)) = change else { return Err("the file itself cannot be removed".to_owned()) };
        *node = value.clone();
        return Ok(());
    };
    match (&mut *node, step, change) {
        (Node::Map(entries), Step::Key(key), _) => match (entries.iter().position(|(name, _)| name == key), change) {
            (Some(index), Change::Remove) if rest.is_empty() => {
                entries.remove(index);
            }
            (Some(index), _) => return entries.get_mut(index).map_or(Ok(()), |(_, node)| apply(node, rest, change)),
            (None, Change::Set(Value(value))) => entries.push((key.clone(), wrapped(rest, value)?)),
            (None, Change::Remove) => return Err(NOTHING.to_owned()),
        },
        (Node::List(items), Step::Index(index), _) => {
            let length = items.len();
            match (items.get_mut(*index), change) {
                (Some(_), Change::Remove) if rest.is_empty() => {
                    items.remove(*index);
                }
                (Some(item), _) => return apply(item, rest, change),
                (None, Change::Set(Value(value))) if *index == length => items.push(wrapped(rest, value)?),
                (None, _) => return Err(format!("the list has {length} items: [{length}] appends one")),
            }
        }
        (Node::Null, _, Change::Set(Value(value))) => *node = wrapped(steps, value)?,
        (Node::Null, _, Change::Remove) => return Err(NOTHING.to_owned()),
        (Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::List(_), Step::Key(key), _) => {
            return Err(format!("{} has no key `{key}`", node.describe()));
        }
        (Node::Bool(_) | Node::Number(_) | Node::Text(_) | Node::Map(_), Step::Index(_), _) => {
            return Err(format!("{} has no items", node.describe()));
        }
    }
    Ok(())
}

/// `value` below the mappings and lists that lead to it.
fn wrapped(steps: &[Step], value: &Node) -> Result<Node, String> {
    steps.iter().rev().try_fold(value.clone(), |inner, step| match step {
        Step::Key(key) => Ok(Node::Map(vec![(key.clone(), inner)])),
        Step::Index(0) => Ok(Node::List(vec![inner])),
        Step::Index(index) => Err(format!("there is no list yet: its first item is [0], not [{index}]")),
    })
}

fn at<'a>(node: &'a Node, steps: &[Step]) -> Option<&'a Node> {
    steps.iter().try_fold(node, |node, step| match (node, step) {
        (Node::Map(entries), Step::Key(key)) => entries.iter().find(|(name, _)| name == key).map(|(_, node)| node),
        (Node::List(items), Step::Index(index)) => items.get(*index),
        _ => None,
    })
}

/// What turns `old` into `new`, as small as may be. Items go from the end, so that no index moves before it is used.
fn differences(path: &Path, old: &Node, new: &Node, found: &mut Vec<Edit>) {
    if same(old, new) {
        return;
    }
    match (old, new) {
        (Node::Map(old), Node::Map(new)) if !old.is_empty() && !new.is_empty() => {
            for (key, value) in new {
                let path = path.key(key);
                match old.iter().find(|(name, _)| name == key) {
                    Some((_, old)) => differences(&path, old, value, found),
                    None => found.push(Edit { path, change: Change::Set(Value(value.clone())) }),
                }
            }
            let gone = old.iter().filter(|(key, _)| new.iter().all(|(name, _)| name != key));
            found.extend(gone.map(|(key, _)| Edit { path: path.key(key), change: Change::Remove }));
        }
        (Node::List(old), Node::List(new)) if !old.is_empty() && !new.is_empty() => {
            for (index, value) in new.iter().enumerate() {
                let path = path.index(index);
                match old.get(index) {
                    Some(old) => differences(&path, old, value, found),
                    None => found.push(Edit { path, change: Change::Set(Value(value.clone())) }),
                }
            }
            let gone = (new.len()..old.len()).rev();
            found.extend(gone.map(|index| Edit { path: path.index(index), change: Change::Remove }));
        }
        (_, new) => found.push(Edit { path: path.clone(), change: Change::Set(Value(new.clone())) }),
    }
}

/// Equal but for the order of keys, which no line of the file loses.
fn same(one: &Node, other: &Node) -> bool {
    match (one, other) {
        (Node::Map(one), Node::Map(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, node)| other.iter().any(|(name, found)| name == key && same(node, found)))
        }
        (Node::List(one), Node::List(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        _ => one == other,
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Node::deserialize(deserializer).map(Self)
    }
}

#[cfg(test)]
mod tests;
