//! Which bytes of the text give way to which others, for one edit. May propose nonsense for a text that it does not
//! understand: what comes of it is checked by who asked.
use super::outline::{Entry, Outline, Shape, Spot};
use super::path::Step;
use super::render::{self, INDENT};
use super::wrapped;
use crate::yaml::Node;
use std::ops::Range;

/// Bytes and what takes their place.
pub(super) type Splice = (Range<usize>, String);

const ALIAS: &str = "it stands elsewhere: an alias (`*name`) is here";
const ADORNED: &str = "an anchor (`&name`) or a tag stands before it";
const UNUSUAL: &str = "it is written in a form that is not edited here";

/// What holds a value.
#[derive(Clone, Copy)]
enum Holder<'a> {
    Root,
    Entry { map: &'a Spot, index: usize },
    Item { list: &'a Spot, index: usize },
}

pub(super) fn carried_out(text: &str, mut splices: Vec<Splice>) -> Result<String, String> {
    splices.sort_by_key(|(range, _)| (range.start, range.end));
    let mut done = String::with_capacity(text.len());
    let mut from = 0;
    for (range, with) in splices {
        done.push_str(text.get(from..range.start).ok_or(UNUSUAL)?);
        done.push_str(&with);
        from = range.end;
    }
    done.push_str(text.get(from..).ok_or(UNUSUAL)?);
    Ok(done)
}

pub(super) fn set(text: &str, outline: &Outline, steps: &[Step], value: &Node) -> Result<Vec<Splice>, String> {
    let page = Page::new(text);
    let Some(root) = &outline.root else {
        let Node::Map(entries) = wrapped(steps, value)? else { return Err(UNUSUAL.to_owned()) };
        return Ok(vec![page.appended(&render::block(&Node::Map(entries), 0, page.newline))]);
    };
    let (mut spot, mut holder) = (root, Holder::Root);
    for (depth, step) in steps.iter().enumerate() {
        let (left, after) = (steps.get(depth..).unwrap_or_default(), steps.get(depth + 1..).unwrap_or_default());
        (spot, holder) = match (&spot.shape, step) {
            (Shape::Map { entries, .. }, Step::Key(key)) => match find(entries, key) {
                Some((index, entry)) => (&entry.value, Holder::Entry { map: spot, index }),
                None => return page.insert_entry(spot, entries, key, &wrapped(after, value)?),
            },
            (Shape::List { items, .. }, Step::Index(index)) => match items.get(*index) {
                Some(item) => (item, Holder::Item { list: spot, index: *index }),
                None => return page.insert_item(spot, items, &wrapped(after, value)?),
            },
            (Shape::Alias, _) => return Err(ALIAS.to_owned()),
            // Null, or the caller would have refused.
            (Shape::Scalar | Shape::BlockScalar | Shape::Map { .. } | Shape::List { .. }, _) => {
                return page.replace(holder, spot, &wrapped(left, value)?);
            }
        };
    }
    page.replace(holder, spot, value)
}

pub(super) fn remove(text: &str, outline: &Outline, steps: &[Step]) -> Result<Vec<Splice>, String> {
    let page = Page::new(text);
    let (mut spot, mut holder) = (outline.root.as_ref().ok_or(UNUSUAL)?, Holder::Root);
    let mut above = holder;
    for step in steps {
        above = holder;
        (spot, holder) = match (&spot.shape, step) {
            (Shape::Map { entries, .. }, Step::Key(key)) => {
                let (index, entry) = find(entries, key).ok_or("it comes from a merge (`<<`)")?;
                (&entry.value, Holder::Entry { map: spot, index })
            }
            (Shape::List { items, .. }, Step::Index(index)) => {
                (items.get(*index).ok_or(UNUSUAL)?, Holder::Item { list: spot, index: *index })
            }
            (Shape::Alias, _) => return Err(ALIAS.to_owned()),
            (Shape::Scalar | Shape::BlockScalar | Shape::Map { .. } | Shape::List { .. }, _) => {
                return Err(UNUSUAL.to_owned());
            }
        };
    }
    match holder {
        Holder::Root => Err(UNUSUAL.to_owned()),
        Holder::Entry { map, index } => match &map.shape {
            Shape::Map { entries, .. } if entries.len() == 1 && matches!(above, Holder::Root) => {
                Err("it is the only key of the file".to_owned())
            }
            Shape::Map { entries, .. } if entries.len() == 1 => page.replace(above, map, &Node::Map(Vec::new())),
            Shape::Map { entries, is_flow } => {
                let places: Vec<Range<usize>> = entries.iter().map(|entry| page.entry_range(entry)).collect();
                page.cut(&places, index, *is_flow)
            }
            Shape::Scalar | Shape::BlockScalar | Shape::Alias | Shape::List { .. } => Err(UNUSUAL.to_owned()),
        },
        Holder::Item { list, index } => match &list.shape {
            Shape::List { items, .. } if items.len() == 1 => page.replace(above, list, &Node::List(Vec::new())),
            Shape::List { items, is_flow } => {
                let start = |spot: &Spot| match is_flow {
                    true => Some(spot.span.start),
                    false => page.dash(list, spot),
                };
                let places = items.iter().map(|item| Some(start(item)?..item.span.end.max(start(item)? + 1)));
                page.cut(&places.collect::<Option<Vec<_>>>().ok_or(UNUSUAL)?, index, *is_flow)
            }
            Shape::Scalar | Shape::BlockScalar | Shape::Alias | Shape::Map { .. } => Err(UNUSUAL.to_owned()),
        },
    }
}

fn find<'a>(entries: &'a [Entry], key: &str) -> Option<(usize, &'a Entry)> {
    entries.iter().enumerate().find(|(_, entry)| entry.key.as_deref() == Some(key))
}

/// The text, and how its lines end.
struct Page<'t> {
    text: &'t str,
    newline: &'static str,
}

// === impl Page ===
impl<'t> Page<'t> {
    fn new(text: &'t str) -> Self {
        Self { text, newline: if text.contains("\r\n") { "\r\n" } else { "\n" } }
    }

    fn slice(&self, range: Range<usize>) -> &'t str {
        self.text.get(range).unwrap_or_default()
    }

    fn line_start(&self, at: usize) -> usize {
        self.slice(0..at).rfind('\n').map_or(0, |newline| newline + 1)
    }

    /// Before the line's end.
    fn line_end(&self, at: usize) -> usize {
        let end = self.slice(at..self.text.len()).find('\n').map_or(self.text.len(), |newline| at + newline);
        if self.slice(at..end).ends_with('\r') { end - 1 } else { end }
    }

    /// Behind it.
    fn next_line(&self, at: usize) -> usize {
        self.slice(at..self.text.len()).find('\n').map_or(self.text.len(), |newline| at + newline + 1)
    }

    fn column(&self, at: usize) -> usize {
        at - self.line_start(at)
    }

    fn begins_its_line(&self, at: usize) -> bool {
        self.slice(self.line_start(at)..at).trim().is_empty()
    }

    fn appended(&self, lines: &str) -> Splice {
        let before = if self.text.is_empty() || self.text.ends_with('\n') { "" } else { self.newline };
        (self.text.len()..self.text.len(), format!("{before}{lines}{}", self.newline))
    }

    /// Behind the colon of an entry.
    fn behind_colon(&self, entry: &Entry) -> Option<usize> {
        let rest = self.slice(entry.key_span.end..self.text.len());
        let gap = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        rest.get(gap..)?.starts_with(':').then_some(entry.key_span.end + gap + 1)
    }

    fn entry_range(&self, entry: &Entry) -> Range<usize> {
        let colon = self.behind_colon(entry).unwrap_or(entry.key_span.end);
        entry.key_span.start..entry.value.span.end.max(colon)
    }

    /// The dash before an item of a block list: at the list's column, on the item's line or one above.
    fn dash(&self, list: &Spot, item: &Spot) -> Option<usize> {
        let column = self.column(list.span.start);
        let mut at = item.span.start;
        loop {
            let dash = self.line_start(at) + column;
            if dash <= item.span.start && self.slice(dash..dash + 1) == "-" {
                return Some(dash);
            }
            at = self.line_start(at).checked_sub(1).filter(|at| *at >= list.span.start)?;
        }
    }

    fn insert_entry(&self, map: &Spot, entries: &[Entry], key: &str, value: &Node) -> Result<Vec<Splice>, String> {
        let is_flow = matches!(map.shape, Shape::Map { is_flow: true, .. });
        let Some((first, last)) = entries.first().zip(entries.last()) else {
            return Ok(vec![(map.span.clone(), render::inline(&Node::Map(vec![(key.to_owned(), value.clone())])))]);
        };
        if is_flow {
            let end = self.entry_range(last).end;
            return Ok(vec![(end..end, format!(", {}: {}", render::scalar(key), render::inline(value)))]);
        }
        let column = self.column(first.key_span.start);
        let tall = render::is_tall(value) && entries.iter().any(|entry| entry.value.is_block());
        let lines = match tall {
            true => render::tall_entry(&render::scalar(key), value, column, self.newline),
            false => render::entry(key, value, column, self.newline),
        };
        let end = self.line_end(self.entry_range(last).end);
        Ok(vec![(end..end, format!("{}{:column$}{lines}", self.newline, ""))])
    }

    fn insert_item(&self, list: &Spot, items: &[Spot], value: &Node) -> Result<Vec<Splice>, String> {
        let is_flow = matches!(list.shape, Shape::List { is_flow: true, .. });
        let Some(last) = items.last() else {
            return Ok(vec![(list.span.clone(), render::inline(&Node::List(vec![value.clone()])))]);
        };
        if is_flow {
            return Ok(vec![(last.span.end..last.span.end, format!(", {}", render::inline(value)))]);
        }
        let column = self.column(list.span.start);
        let tall = items.iter().any(Spot::is_block);
        let lines = render::item(value, column, self.newline, tall);
        let end = self.line_end(last.span.end);
        Ok(vec![(end..end, format!("{}{:column$}{lines}", self.newline, ""))])
    }

    fn replace(&self, holder: Holder<'_>, spot: &Spot, value: &Node) -> Result<Vec<Splice>, String> {
        if spot.adorned {
            return Err(ADORNED.to_owned());
        }
        match holder {
            Holder::Root => Err(UNUSUAL.to_owned()),
            Holder::Entry { map, index } => {
                let Shape::Map { is_flow, entries } = &map.shape else { return Err(UNUSUAL.to_owned()) };
                let entry = entries.get(index).ok_or(UNUSUAL)?;
                let colon = self.behind_colon(entry).ok_or(UNUSUAL)?;
                match is_flow {
                    true if spot.span.is_empty() => Ok(vec![(colon..colon, format!(" {}", render::inline(value)))]),
                    true => Ok(vec![(spot.span.clone(), render::inline(value))]),
                    false => Ok(self.replace_in_entry(entry, colon, spot, value)),
                }
            }
            Holder::Item { list, .. } => {
                let is_flow = matches!(list.shape, Shape::List { is_flow: true, .. });
                if is_flow {
                    return Ok(vec![(spot.span.clone(), render::inline(value))]);
                }
                let dash = self.dash(list, spot).ok_or(UNUSUAL)?;
                let column = if spot.is_block() { self.column(spot.span.start) } else { self.column(dash) + INDENT };
                let tall = render::is_tall(value) && (spot.is_block() || !render::fits(value, column));
                let new = if tall { render::block(value, column, self.newline) } else { render::inline(value) };
                match spot.span.is_empty() || matches!(spot.shape, Shape::BlockScalar) {
                    true => Ok(vec![(dash + 1..spot.span.end.max(dash + 1), format!(" {new}"))]),
                    false => Ok(vec![(spot.span.clone(), new)]),
                }
            }
        }
    }

    /// The value of a key in a block mapping. What else stands on the key's line stays there.
    fn replace_in_entry(&self, entry: &Entry, colon: usize, spot: &Spot, value: &Node) -> Vec<Splice> {
        let key_column = self.column(entry.key_span.start);
        let inner = key_column + INDENT;
        if spot.is_block() {
            let column = self.column(spot.span.start);
            if render::is_tall(value) {
                return vec![(spot.span.clone(), render::block(value, column, self.newline))];
            }
            let gone = self.line_start(spot.span.start)..self.next_line(spot.span.end);
            return vec![(colon..colon, format!(" {}", render::inline(value))), (gone, String::new())];
        }
        let from = match spot.shape {
            Shape::BlockScalar => colon,
            _ if spot.span.is_empty() => colon,
            _ => spot.span.start,
        };
        let space = if from == colon { " " } else { "" };
        let to = spot.span.end.max(colon);
        if render::fits(value, self.column(colon)) {
            return vec![(from..to, format!("{space}{}", render::inline(value)))];
        }
        let end = self.line_end(to);
        let lines = format!("{}{:inner$}{}", self.newline, "", render::block(value, inner, self.newline));
        vec![(colon..to, String::new()), (end..end, lines)]
    }

    /// One of several entries or items.
    fn cut(&self, places: &[Range<usize>], index: usize, is_flow: bool) -> Result<Vec<Splice>, String> {
        let place = places.get(index).ok_or(UNUSUAL)?;
        let next = places.get(index + 1);
        let before = index.checked_sub(1).and_then(|index| places.get(index));
        let range = match (is_flow, next, before) {
            (true, Some(next), _) => place.start..next.start,
            (true, None, Some(before)) => before.end..place.end,
            (true, None, None) => return Err(UNUSUAL.to_owned()),
            (false, ..) if self.begins_its_line(place.start) => {
                let end = self.next_line(place.end);
                let start = self.line_start(place.start);
                // The last line of a text without a newline at its end.
                let at_end = end == self.text.len() && !self.text.ends_with('\n');
                if at_end { before.map_or(start, |before| self.line_end(before.end))..end } else { start..end }
            }
            // On the line of its dash: the next one takes its place there.
            (false, Some(next), _) if !self.slice(place.end..next.start).contains('#') => place.start..next.start,
            (false, ..) => return Err("a comment behind it would lose its place".to_owned()),
        };
        Ok(vec![(range, String::new())])
    }
}
