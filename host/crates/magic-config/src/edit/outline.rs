//! Where every value of a YAML text stands, in bytes. Resolves nothing: an alias is an alias here.
use granit_parser::{Event, Parser, ScalarStyle, Span, StructureStyle};
use std::ops::Range;

/// As deep as `yaml` reads; it has read the text before.
const DEPTH_MAX: usize = 64;
const LOST: &str = "the text could not be followed";

/// The one document.
pub(super) struct Outline {
    /// `None`: nothing but comments.
    pub(super) root: Option<Spot>,
}

/// A value's place: from its first byte to behind its last, without what follows on the line.
pub(super) struct Spot {
    pub(super) span: Range<usize>,
    pub(super) shape: Shape,
    /// `&name` or a tag stands before it.
    pub(super) adorned: bool,
}

pub(super) enum Shape {
    Scalar,
    /// `|` or `>`: its span begins with the text, not with the sign.
    BlockScalar,
    Alias,
    Map {
        is_flow: bool,
        entries: Vec<Entry>,
    },
    /// The span of a block list begins with its first dash.
    List {
        is_flow: bool,
        items: Vec<Spot>,
    },
}

pub(super) struct Entry {
    /// `None`: a key that is no scalar.
    pub(super) key: Option<String>,
    pub(super) key_span: Range<usize>,
    pub(super) value: Spot,
}

struct Reader<'t> {
    text: &'t str,
    parser: Parser<'t, granit_parser::StrInput<'t>>,
}

// === impl Outline ===
impl Outline {
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let mut reader = Reader { text, parser: Parser::new_from_str(text) };
        loop {
            match reader.next()? {
                (Event::StreamStart | Event::DocumentStart(..), _) => {}
                (Event::DocumentEnd | Event::StreamEnd, _) => return Ok(Self { root: None }),
                (event, span) => return reader.spot(event, span, 0).map(|root| Self { root: Some(root) }),
            }
        }
    }
}

// === impl Spot ===
impl Spot {
    /// A collection written over lines of its own.
    pub(super) fn is_block(&self) -> bool {
        matches!(self.shape, Shape::Map { is_flow: false, .. } | Shape::List { is_flow: false, .. })
    }
}

// === impl Reader ===
impl<'t> Reader<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Range<usize>), String> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, self.bytes(&span)?)),
            Some(Err(_)) | None => Err(LOST.to_owned()),
        }
    }

    fn bytes(&self, span: &Span) -> Result<Range<usize>, String> {
        let range = span.byte_range().filter(|range| self.text.get(range.clone()).is_some());
        range.ok_or_else(|| LOST.to_owned())
    }

    fn spot(&mut self, event: Event<'t>, span: Range<usize>, depth: usize) -> Result<Spot, String> {
        if depth > DEPTH_MAX {
            return Err("it nests too deep".to_owned());
        }
        let adorned = event.anchor_id().is_some() || event.tag().is_some();
        let (start, mut end) = (span.start, span.end);
        let shape = match event {
            Event::Scalar(_, ScalarStyle::Literal | ScalarStyle::Folded, ..) => {
                let text = self.text.get(span.clone()).unwrap_or_default();
                end = start + text.trim_end().len();
                Shape::BlockScalar
            }
            Event::Scalar(..) => Shape::Scalar,
            Event::Alias(_) => Shape::Alias,
            Event::SequenceStart(style, ..) => {
                let (items, closed) = self.items(depth)?;
                let is_flow = style == StructureStyle::Flow;
                end = if is_flow { closed } else { items.last().map_or(end, |item| item.span.end) };
                Shape::List { is_flow, items }
            }
            Event::MappingStart(style, ..) => {
                let (entries, closed) = self.entries(depth)?;
                let is_flow = style == StructureStyle::Flow;
                let last = entries.last().map(|entry| entry.value.span.end.max(entry.key_span.end));
                end = if is_flow { closed } else { last.unwrap_or(end) };
                Shape::Map { is_flow, entries }
            }
            _ => return Err(LOST.to_owned()),
        };
        Ok(Spot { span: start..end, shape, adorned })
    }

    fn items(&mut self, depth: usize) -> Result<(Vec<Spot>, usize), String> {
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, span) => return Ok((items, span.end)),
                (event, span) => items.push(self.spot(event, span, depth + 1)?),
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<(Vec<Entry>, usize), String> {
        let mut entries = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok((entries, span.end));
            }
            let text = event.scalar().map(|(text, _)| text.to_owned());
            let key = self.spot(event, span, depth + 1)?;
            let text = text.filter(|_| !key.adorned);
            let (event, span) = self.next()?;
            let value = self.spot(event, span, depth + 1)?;
            entries.push(Entry { key: text, key_span: key.span, value });
        }
    }
}
