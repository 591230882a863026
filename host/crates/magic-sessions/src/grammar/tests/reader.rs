//! As much of GBNF as the grammar uses, read and matched the plain way: each part maps the places where it may begin to
//! the places where it may end.
use std::collections::{BTreeSet, HashMap};

pub(crate) struct Grammar {
    rules: HashMap<String, Node>,
}

enum Node {
    Text(Vec<char>),
    Class { not: bool, ranges: Vec<(char, char)> },
    Rule(String),
    Row(Vec<Node>),
    Choice(Vec<Node>),
    Times { node: Box<Node>, least: usize, most: usize },
}

impl Grammar {
    pub(crate) fn read(text: &str) -> Self {
        let rules = text.lines().filter(|line| !line.is_empty()).map(|line| {
            let (name, body) = line.split_once(" ::= ").expect("a rule a line");
            let characters: Vec<char> = body.chars().collect();
            let mut reader = Reader { text: &characters, at: 0 };
            let node = reader.choice();
            assert_eq!(reader.at, characters.len(), "the whole rule is read: {line}");
            (name.to_owned(), node)
        });
        let grammar = Self { rules: rules.collect() };
        grammar.rules.values().for_each(|node| grammar.check_names(node));
        grammar
    }

    pub(crate) fn fits(&self, text: &str) -> bool {
        let text: Vec<char> = text.chars().collect();
        self.ends(&Node::Rule("root".to_owned()), &text, &BTreeSet::from([0])).contains(&text.len())
    }

    fn check_names(&self, node: &Node) {
        match node {
            Node::Rule(name) => assert!(self.rules.contains_key(name), "no rule {name}"),
            Node::Row(nodes) | Node::Choice(nodes) => nodes.iter().for_each(|node| self.check_names(node)),
            Node::Times { node, .. } => self.check_names(node),
            Node::Text(_) | Node::Class { .. } => {}
        }
    }

    fn ends(&self, node: &Node, text: &[char], starts: &BTreeSet<usize>) -> BTreeSet<usize> {
        if starts.is_empty() {
            return BTreeSet::new();
        }
        match node {
            Node::Text(literal) => {
                let fits = |at: &&usize| text.get(**at..).is_some_and(|rest| rest.starts_with(literal));
                starts.iter().filter(fits).map(|at| at + literal.len()).collect()
            }
            Node::Class { not, ranges } => {
                let inside = |c: char| ranges.iter().any(|(from, to)| (*from..=*to).contains(&c));
                starts.iter().filter(|at| text.get(**at).is_some_and(|c| inside(*c) != *not)).map(|at| at + 1).collect()
            }
            Node::Rule(name) => self.ends(&self.rules[name], text, starts),
            Node::Row(nodes) => nodes.iter().fold(starts.clone(), |starts, node| self.ends(node, text, &starts)),
            Node::Choice(nodes) => nodes.iter().flat_map(|node| self.ends(node, text, starts)).collect(),
            Node::Times { node, least, most } => {
                let (mut ends, mut here) = (BTreeSet::new(), starts.clone());
                for count in 0..=*most {
                    if count >= *least {
                        ends.extend(here.iter().copied());
                    }
                    if count == *most || here.is_empty() {
                        break;
                    }
                    here = self.ends(node, text, &here);
                }
                ends
            }
        }
    }
}

struct Reader<'a> {
    text: &'a [char],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<char> {
        self.text.get(self.at).copied()
    }

    fn take(&mut self) -> char {
        let c = self.peek().expect("more text");
        self.at += 1;
        c
    }

    fn spaces(&mut self) {
        while self.peek() == Some(' ') {
            self.at += 1;
        }
    }

    fn choice(&mut self) -> Node {
        let mut nodes = vec![self.row()];
        while self.peek() == Some('|') {
            self.at += 1;
            nodes.push(self.row());
        }
        Node::Choice(nodes)
    }

    fn row(&mut self) -> Node {
        let mut nodes = Vec::new();
        loop {
            self.spaces();
            match self.peek() {
                None | Some('|' | ')') => return Node::Row(nodes),
                Some(_) => nodes.push(self.repeated()),
            }
        }
    }

    fn repeated(&mut self) -> Node {
        let node = match self.take() {
            '"' => self.literal(),
            '[' => self.class(),
            '(' => {
                let inner = self.choice();
                assert_eq!(self.take(), ')');
                inner
            }
            first => self.name(first),
        };
        let (least, most) = match self.peek() {
            Some('?') => (0, 1),
            Some('{') => return self.counted(node),
            _ => return node,
        };
        self.at += 1;
        Node::Times { node: Box::new(node), least, most }
    }

    fn counted(&mut self, node: Node) -> Node {
        self.at += 1;
        let mut inside = String::new();
        loop {
            match self.take() {
                '}' => break,
                c => inside.push(c),
            }
        }
        let (least, most) = inside.split_once(',').expect("two bounds");
        Node::Times { node: Box::new(node), least: least.parse().unwrap(), most: most.parse().unwrap() }
    }

    fn name(&mut self, first: char) -> Node {
        assert!(first.is_ascii_alphanumeric(), "a rule's name, not {first}");
        let mut name = String::from(first);
        while self.peek().is_some_and(|c| c.is_ascii_alphanumeric()) {
            name.push(self.take());
        }
        Node::Rule(name)
    }

    fn literal(&mut self) -> Node {
        let mut text = Vec::new();
        loop {
            match self.take() {
                '"' => return Node::Text(text),
                '\\' => text.push(self.escaped()),
                c => text.push(c),
            }
        }
    }

    fn class(&mut self) -> Node {
        let not = self.peek() == Some('^');
        self.at += usize::from(not);
        let mut ranges = Vec::new();
        loop {
            let from = match self.take() {
                ']' => return Node::Class { not, ranges },
                '\\' => self.escaped(),
                c => c,
            };
            let mut to = from;
            if self.peek() == Some('-') {
                self.at += 1;
                to = match self.take() {
                    '\\' => self.escaped(),
                    c => c,
                };
            }
            ranges.push((from, to));
        }
    }

    fn escaped(&mut self) -> char {
        match self.take() {
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'x' => {
                let hex: String = [self.take(), self.take()].iter().collect();
                char::from(u8::from_str_radix(&hex, 16).unwrap())
            }
            c @ ('"' | '\\' | ']' | '[') => c,
            c => panic!("unknown escape {c}"),
        }
    }
}
