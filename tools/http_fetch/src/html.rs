//! HTML to readable text: headings, lists, tables and paragraphs stay, the page's machinery goes. Refuses to build a
//! tree: one pass over the tokens, whatever state the markup is in.

use html5gum::{DefaultEmitter, EndTag, StartTag, Token, Tokenizer};

use crate::address;

/// What is never text for a reader.
const MACHINERY: [&str; 15] = [
    "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "canvas", "audio", "video", "select",
    "button", "dialog", "textarea",
];
/// What surrounds a page's own text.
const SURROUNDINGS: [&str; 2] = ["nav", "footer"];
const BLOCKS: [&str; 31] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "body",
    "caption",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "main",
    "ol",
    "p",
    "section",
    "summary",
    "table",
    "ul",
    "pre",
];
/// Elements that never have an end tag, so that skipping one must not wait for it.
const VOID: [&str; 8] = ["br", "hr", "img", "input", "link", "meta", "source", "wbr"];

struct Renderer<'a> {
    /// Links are written out against this address.
    base: Option<&'a str>,
    surroundings: bool,
    text: String,
    title: Option<String>,
    in_title: bool,
    skipped: Option<Skipped>,
    /// Open `pre` elements: their white space counts.
    preformatted: usize,
    /// One entry an open list: the next number, or none for bullets.
    lists: Vec<Option<u32>>,
    link: Option<String>,
    /// A space or line break that will be written before the next word.
    gap: Gap,
    /// Where a list's or heading's mark ends: a block that begins there stays on its line.
    marked: usize,
}

struct Skipped {
    name: String,
    depth: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Gap {
    None,
    Space,
    Line,
    Block,
}

/// The title and the text of a page; links are written out where their base is given.
pub(crate) fn to_text(html: &str, base: Option<&str>) -> (Option<String>, String) {
    let (title, text) = render(html, base, false);
    if text.is_empty() {
        // A page that is all navigation, or whose markup never closes it.
        let (again, text) = render(html, base, true);
        return (title.or(again), text);
    }
    (title, text)
}

fn render(html: &str, base: Option<&str>, surroundings: bool) -> (Option<String>, String) {
    let mut renderer = Renderer {
        base,
        surroundings,
        text: String::new(),
        title: None,
        in_title: false,
        skipped: None,
        preformatted: 0,
        lists: Vec::new(),
        link: None,
        gap: Gap::None,
        marked: 0,
    };
    let mut emitter = DefaultEmitter::default();
    emitter.naively_switch_states(true);
    for token in Tokenizer::new_with_emitter(html, emitter).flatten() {
        match token {
            Token::StartTag(tag) => renderer.start(&tag),
            Token::EndTag(tag) => renderer.end(&tag),
            Token::String(text) => renderer.string(&String::from_utf8_lossy(&text.value)),
            Token::Comment(_) | Token::Doctype(_) | Token::Error(_) => {}
        }
    }
    let title = renderer.title.map(|title| words(&title)).filter(|title| !title.is_empty());
    (title, renderer.text.trim().to_owned())
}

// === impl Renderer ===
impl Renderer<'_> {
    fn start(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if let Some(skipped) = &mut self.skipped {
            skipped.depth += usize::from(skipped.name == name && !tag.self_closing);
            return;
        }
        if self.skips(&name, tag) {
            if !tag.self_closing && !VOID.contains(&name.as_str()) {
                self.skipped = Some(Skipped { name, depth: 1 });
            }
            return;
        }
        match name.as_str() {
            "title" => self.in_title = self.title.is_none(),
            "br" => self.line_break(),
            "tr" => self.open(Gap::Line),
            "td" | "th" => self.cell(),
            "li" => self.item(),
            "a" => self.link = attribute(tag, "href"),
            "img" => self.image(tag),
            _ if BLOCKS.contains(&name.as_str()) => self.block(&name),
            _ => {}
        }
    }

    fn block(&mut self, name: &str) {
        let nested = !self.lists.is_empty() && matches!(name, "ul" | "ol" | "p" | "div");
        self.open(if nested { Gap::Line } else { Gap::Block });
        match name {
            "ul" => self.lists.push(None),
            "ol" => self.lists.push(Some(1)),
            "pre" => self.preformatted += 1,
            "hr" => self.word("---"),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = name.bytes().last().map_or(1, |digit| usize::from(digit - b'0'));
                self.mark(&"#".repeat(level));
            }
            _ => {}
        }
        if name == "hr" {
            self.open(Gap::Block);
        }
    }

    fn end(&mut self, tag: &EndTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        if let Some(skipped) = &mut self.skipped {
            skipped.depth -= usize::from(skipped.name == name);
            if skipped.depth == 0 {
                self.skipped = None;
            }
            return;
        }
        match name.as_str() {
            "title" => self.in_title = false,
            "a" => self.close_link(),
            "li" | "tr" => self.open(Gap::Line),
            "ul" | "ol" => {
                self.lists.pop();
                self.open(if self.lists.is_empty() { Gap::Block } else { Gap::Line });
            }
            "pre" => {
                self.preformatted = self.preformatted.saturating_sub(1);
                self.open(Gap::Block);
            }
            _ if BLOCKS.contains(&name.as_str()) => {
                self.open(if self.lists.is_empty() { Gap::Block } else { Gap::Line })
            }
            _ => {}
        }
    }

    fn string(&mut self, text: &str) {
        if self.skipped.is_some() {
            return;
        }
        if self.in_title {
            self.title.get_or_insert_default().push_str(text);
            return;
        }
        if self.preformatted > 0 {
            self.flush_gap();
            self.text.push_str(&text.replace('\r', ""));
            return;
        }
        if text.starts_with(char::is_whitespace) {
            self.open(Gap::Space);
        }
        for word in text.split_whitespace() {
            self.word(word);
            self.gap = Gap::Space;
        }
        if !text.ends_with(char::is_whitespace) && !text.trim().is_empty() {
            self.gap = Gap::None;
        }
    }

    fn skips(&self, name: &str, tag: &StartTag<()>) -> bool {
        MACHINERY.contains(&name)
            || (!self.surroundings && SURROUNDINGS.contains(&name))
            || tag.attributes.contains_key(&b"hidden"[..])
    }

    fn line_break(&mut self) {
        if self.preformatted > 0 {
            self.text.push('\n');
        } else {
            self.open(Gap::Line);
        }
    }

    fn cell(&mut self) {
        if self.gap < Gap::Line && !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push_str(" |");
            self.gap = Gap::Space;
        }
    }

    fn item(&mut self) {
        self.gap = self.gap.max(Gap::Line);
        let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(8));
        let mark = match self.lists.last_mut() {
            Some(Some(number)) => {
                let mark = format!("{number}.");
                *number = number.saturating_add(1);
                mark
            }
            Some(None) | None => "-".to_owned(),
        };
        self.mark(&format!("{indent}{mark}"));
    }

    fn image(&mut self, tag: &StartTag<()>) {
        if let Some(alt) = attribute(tag, "alt").map(|alt| words(&alt)).filter(|alt| !alt.is_empty()) {
            self.word(&format!("[image: {alt}]"));
        }
    }

    fn close_link(&mut self) {
        let (Some(base), Some(href)) = (self.base, self.link.take()) else { return };
        // Anchors within the page and mail addresses are not worth their length.
        if let (false, Ok(url)) = (href.starts_with('#'), address::resolve(base, &href)) {
            let gap = std::mem::replace(&mut self.gap, Gap::Space);
            self.word(&format!("({url})"));
            self.gap = gap;
        }
    }

    fn word(&mut self, word: &str) {
        self.flush_gap();
        self.text.push_str(word);
    }

    fn mark(&mut self, mark: &str) {
        self.word(mark);
        self.gap = Gap::Space;
        self.marked = self.text.len();
    }

    /// Asks for a gap before the next word; a wider one already asked for stays.
    fn open(&mut self, gap: Gap) {
        if self.text.len() != self.marked {
            self.gap = self.gap.max(gap);
        }
    }

    fn flush_gap(&mut self) {
        let gap = std::mem::replace(&mut self.gap, Gap::None);
        if self.text.is_empty() {
            return;
        }
        self.text.push_str(match gap {
            Gap::None => "",
            Gap::Space if self.text.ends_with([' ', '\n']) => "",
            Gap::Space => " ",
            Gap::Line => "\n",
            Gap::Block => "\n\n",
        });
    }
}

fn attribute(tag: &StartTag<()>, name: &str) -> Option<String> {
    tag.attributes.get(name.as_bytes()).map(|value| String::from_utf8_lossy(&value.value).into_owned())
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
