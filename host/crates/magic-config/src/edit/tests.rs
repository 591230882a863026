use super::{Change, EDITS_MAX, Edit, Path, Value, applied, edit, same};
use crate::yaml;

const FILE: &str = "\
# The catalogue.
definitions:
  gpt: &gpt { model: gpt-4.1 }   # used below
model_list:
  - model_name: a   # the first
    provider: openai
    model_params: { <<: *gpt }

  # the second
  - model_name: b
    provider: mistral
    model_params:
      model: small
      stop:
        - x   # keep
        - y
# What clients ask for.
router_settings:
  model_group_alias:
    fast: [a, b]          # both
    \"gpt-4.1\": [a]

    slow: { chain: [b] }
cache_settings:
note: |
  two
  lines
# The end.
";

fn set(path: &str, json: &str) -> Edit {
    Edit { path: path.parse().unwrap(), change: Change::Set(serde_json::from_str::<Value>(json).unwrap()) }
}

fn remove(path: &str) -> Edit {
    Edit { path: path.parse().unwrap(), change: Change::Remove }
}

/// The lines that went and came, in order.
fn changed(edits: &[Edit]) -> String {
    let after = edit(FILE, edits).unwrap_or_else(|problem| panic!("{problem}"));
    let (old, new): (Vec<&str>, Vec<&str>) = (FILE.lines().collect(), after.lines().collect());
    let same_at_start = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let left = old.len().min(new.len()) - same_at_start;
    let same_at_end = old.iter().rev().zip(new.iter().rev()).take(left).take_while(|(old, new)| old == new).count();
    let minus = old[same_at_start..old.len() - same_at_end].iter().map(|line| format!("-{line}"));
    let plus = new[same_at_start..new.len() - same_at_end].iter().map(|line| format!("+{line}"));
    minus.chain(plus).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_value_of_too_many_parts_is_replaced_whole() {
    for (parts, keeps_comments) in [(EDITS_MAX, true), (EDITS_MAX + 1, false)] {
        let lines = |value: &str| (0..parts).map(|key| format!("  k{key}: {value}\n")).collect::<String>();
        let json: Vec<String> = (0..parts).map(|key| format!("\"k{key}\": 1")).collect();
        let text = format!("a:\n{}b: 2   # stays\n", lines("0   # zero"));
        let after = edit(&text, &[set("a", &format!("{{{}}}", json.join(", ")))]).unwrap_or_else(|why| panic!("{why}"));
        assert_eq!(after.matches("# zero").count() == parts, keeps_comments, "{after}");
        let expected = yaml::read(&format!("a:\n{}b: 2\n", lines("1"))).unwrap();
        assert!(same(&yaml::read(&after).unwrap(), &expected) && after.contains("b: 2   # stays"), "{after}");
    }
}

#[test]
fn a_value_is_replaced_on_its_line_and_the_comment_behind_it_stays() {
    let check = |edit: Edit, expected: &str| assert_eq!(changed(&[edit]), expected);
    check(
        set("model_list[0].model_name", r#""the first""#),
        "-  - model_name: a   # the first\n+  - model_name: the first   # the first",
    );
    check(
        set("router_settings.model_group_alias.fast", r#"["b"]"#),
        "-    fast: [a, b]          # both\n+    fast: [b]          # both",
    );
    check(
        set("router_settings.model_group_alias.fast[1]", "\"a b\""),
        "-    fast: [a, b]          # both\n+    fast: [a, a b]          # both",
    );
    check(
        set(r#"router_settings.model_group_alias["gpt-4.1"][0]"#, "\"b\""),
        "-    \"gpt-4.1\": [a]\n+    \"gpt-4.1\": [b]",
    );
    check(set("model_list[1].model_params.stop[0]", "\"true\""), "-        - x   # keep\n+        - \"true\"   # keep");
    check(set("cache_settings", "{\"enabled\": true}"), "-cache_settings:\n+cache_settings: { enabled: true }");
    check(set("note", "\"one\""), "-note: |\n-  two\n-  lines\n+note: one");
}

#[test]
fn what_is_missing_is_put_in_behind_its_siblings_and_in_their_style() {
    let check = |edit: Edit, expected: &str| assert_eq!(changed(&[edit]), expected);
    check(set("router_settings.model_group_alias.gpt", r#"["a"]"#), "+    gpt: [a]");
    check(
        set("router_settings.model_group_alias.slow.description", "\"${WHO}: it's slow\""),
        "-    slow: { chain: [b] }\n+    slow: { chain: [b], description: \"${WHO}: it's slow\" }",
    );
    check(set("cache_settings.enabled", "true"), "-cache_settings:\n+cache_settings: { enabled: true }");
    check(set("server_settings.drain_seconds", "5"), "+server_settings:\n+  drain_seconds: 5");
    check(set("model_list[1].model_params.stop[2]", "\"z\""), "+        - z");
    check(
        set("router_settings.model_group_alias.fast[2]", "\"c\""),
        "-    fast: [a, b]          # both\n+    fast: [a, b, c]          # both",
    );
    check(
        set("model_list[2]", r#"{"model_name": "c", "provider": "local", "model_params": {"model": "m", "stop": []}}"#),
        "+  - model_name: c\n+    provider: local\n+    model_params: { model: m, stop: [] }",
    );
}

#[test]
fn what_is_removed_takes_its_lines_and_no_others() {
    let check = |edit: Edit, expected: &str| assert_eq!(changed(&[edit]), expected);
    check(remove("router_settings.model_group_alias.fast"), "-    fast: [a, b]          # both");
    check(remove("router_settings.model_group_alias.slow.chain"), "-    slow: { chain: [b] }\n+    slow: {}");
    check(
        remove("router_settings.model_group_alias.fast[0]"),
        "-    fast: [a, b]          # both\n+    fast: [b]          # both",
    );
    check(remove("model_list[1].model_params.stop"), "-      stop:\n-        - x   # keep\n-        - y");
    check(remove("model_list[1].model_params.stop[1]"), "-        - y");
    check(remove("note"), "-note: |\n-  two\n-  lines");
    check(remove("model_list[1].model_name"), "-  - model_name: b\n-    provider: mistral\n+  - provider: mistral");
    check(
        remove("model_list[0]"),
        "-  - model_name: a   # the first\n-    provider: openai\n-    model_params: { <<: *gpt }",
    );
}

#[test]
fn a_mapping_that_is_set_whole_changes_only_where_it_differs() {
    assert_eq!(
        changed(&[set(
            "router_settings",
            r#"{"model_group_alias": {"fast": ["a", "b"], "gpt-4.1": ["b"], "slow": {"chain": ["b"]}}}"#
        )]),
        "-    \"gpt-4.1\": [a]\n+    \"gpt-4.1\": [b]"
    );
    assert_eq!(changed(&[set("model_list[1].model_params.stop", r#"["x", "z"]"#)]), "-        - y\n+        - z");
    assert_eq!(changed(&[set("note", "\"two\\nlines\\n\"")]), "", "nothing is to be changed");
}

#[test]
fn several_edits_are_made_one_after_the_other() {
    let edits = [remove("model_list[0]"), set("model_list[0].provider", "\"openai\"")];
    let after = edit(FILE, &edits).unwrap();
    assert!(after.contains("- model_name: b\n    provider: openai\n"), "{after}");
    assert!(!after.contains("model_name: a"), "{after}");
}

#[test]
fn what_would_touch_other_lines_is_refused_and_says_why() {
    let check = |edit_: Edit, expected: &str| {
        let problem = edit(FILE, &[edit_]).unwrap_err().to_string();
        assert!(problem.contains(expected), "{problem}");
    };
    check(set("definitions.gpt.model", "\"gpt-5\""), "an anchor (`&name`), a merge (`<<`)");
    check(set("definitions.gpt", "{}"), "anchor");
    check(remove("model_list[0].model_params.model"), "model_list[0].model_params.model: it comes from a merge (`<<`)");
    check(remove("definitions"), "send the whole text instead");
    check(remove("router_settings.model_group_alias.none"), "nothing stands there");
    check(set("router_settings.model_group_alias.fast.chain", "1"), "a list has no key `chain`");
    check(set("model_list[9]", "1"), "the list has 2 items: [2] appends one");
    check(set("cache_settings.rules[3]", "1"), "its first item is [0], not [3]");
}

#[test]
fn what_is_merged_in_can_be_overruled() {
    assert_eq!(
        changed(&[set("model_list[0].model_params.model", "\"gpt-5\"")]),
        "-    model_params: { <<: *gpt }\n+    model_params: { <<: *gpt, model: gpt-5 }"
    );
}

#[test]
fn line_ends_and_a_missing_last_one_stay_as_they_are() {
    assert_eq!(edit("a: 1\r\nb: 2\r\n", &[set("c", "3")]).unwrap(), "a: 1\r\nb: 2\r\nc: 3\r\n");
    assert_eq!(edit("a: 1\nb: 2", &[set("c", "3")]).unwrap(), "a: 1\nb: 2\nc: 3");
    assert_eq!(edit("a: 1\nb: 2", &[remove("b")]).unwrap(), "a: 1");
    assert_eq!(edit("# nothing yet", &[set("a.b", "3")]).unwrap(), "# nothing yet\na: { b: 3 }\n");
}

#[test]
fn a_path_reads_as_it_is_written() {
    for text in ["a", "a.b[0].c", r#"a["x.y"][2]"#, r#"["a \"quoted\" key"].b"#] {
        assert_eq!(text.parse::<Path>().unwrap().to_string(), text);
    }
    for text in ["", ".", "a.", "a..b", "a[", "a[x]", "a[0]b", r#"a["b"#] {
        text.parse::<Path>().unwrap_err();
    }
}

// === random files and edits ===

struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % bound
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len())]
    }

    fn scalar(&mut self) -> &'static str {
        self.pick(&[
            "1",
            "true",
            "null",
            "plain text",
            "'single ''quoted'''",
            "\"dou\\nble #\"",
            "a:b",
            "2.5",
            "~",
            "ünï",
        ])
    }

    fn flow(&mut self, depth: usize) -> String {
        match self.below(if depth > 2 { 1 } else { 3 }) {
            0 => self.scalar().to_owned(),
            1 => {
                let items: Vec<String> = (0..self.below(3)).map(|_| self.flow(depth + 1)).collect();
                format!("[{}]", items.join(", "))
            }
            _ => {
                let entries: Vec<String> =
                    (0..self.below(3)).map(|at| format!("k{at}: {}", self.flow(depth + 1))).collect();
                format!("{{{}}}", entries.join(" , "))
            }
        }
    }

    fn tail(&mut self) -> &'static str {
        self.pick(&["\n", "\n", "   # why\n", "\n\n", "\n# alone\n", "\n        # far in\n"])
    }

    /// The lines of a block mapping or list; the first one is not indented.
    fn block(&mut self, column: usize, depth: usize) -> String {
        let is_map = depth == 0 || self.below(2) == 0;
        let count = 1 + self.below(4);
        let mut text = String::new();
        for at in 0..count {
            if at > 0 {
                text += &" ".repeat(column);
            }
            let step = [2, 4][self.below(2)];
            text += &if is_map {
                format!("{}:", self.pick(&["k", "\"k.\"", "'k '", "key"]).replace('k', &format!("k{at}")))
            } else {
                "-".to_owned()
            };
            match self.below(if depth > 3 { 2 } else { 5 }) {
                0 => text += self.tail(),
                1 | 2 => text += &format!(" {}{}", self.flow(depth), self.tail()),
                3 if is_map => {
                    let inner = column + step;
                    text += &format!("{}{}{}", self.tail(), " ".repeat(inner), self.block(inner, depth + 1));
                }
                3 => text += &format!(" {}", self.block(column + 2, depth + 1)),
                _ => text += &format!(" |\n{0}some\n{0}text\n", " ".repeat(column + step)),
            }
        }
        text
    }

    /// A place in the tree: mostly one that is there.
    fn path(&mut self, node: &yaml::Node) -> String {
        let mut path = String::new();
        let mut node = node;
        loop {
            match node {
                yaml::Node::Map(entries) if !entries.is_empty() && self.below(8) > 0 => {
                    let (key, inner) = &entries[self.below(entries.len())];
                    path += &format!("[{}]", serde_json::Value::from(key.as_str()));
                    node = inner;
                }
                yaml::Node::Map(_) => return path + &format!("[\"new {}\"]", self.below(9)),
                yaml::Node::List(items) if !items.is_empty() && self.below(8) > 0 => {
                    let index = self.below(items.len());
                    path += &format!("[{index}]");
                    node = &items[index];
                }
                yaml::Node::List(items) => return path + &format!("[{}]", items.len()),
                _ => return path,
            }
            if self.below(3) == 0 {
                return path;
            }
        }
    }
}

fn is_subsequence(part: &[&str], whole: &[&str]) -> bool {
    let mut whole = whole.iter();
    part.iter().all(|line| whole.any(|found| found == line))
}

#[test]
fn any_edit_of_any_file_says_what_was_asked_and_leaves_the_other_lines() {
    let (mut made, mut refused) = (0, 0);
    for seed in 0..6000_u64 {
        let mut random = Random(seed);
        let text = format!("# head\n{}", random.block(0, 0));
        let Ok(before) = yaml::read(&text) else { panic!("seed {seed}: the generator wrote no YAML:\n{text}") };
        let path = random.path(&before);
        let json =
            random.pick(&["1", "\"text\"", "\"two\\nlines: #\"", "[]", "{\"a\": [1, {\"b\": null}]}", "[[\"x\"], {}]"]);
        let change = if random.below(3) == 0 { remove(&path) } else { set(&path, json) };
        let Ok(intended) = applied(&before, &change.path, &change.change) else { continue };
        let after = match edit(&text, std::slice::from_ref(&change)) {
            Ok(after) => after,
            Err(problem) if problem.message.contains("only key") => continue,
            // Rightly: without the lines between them, a comment would become a part of a text that stands in a block.
            Err(_) => {
                refused += 1;
                continue;
            }
        };
        made += 1;
        let shown = format!("seed {seed}, {change:?}\n{text}\n=>\n{after}");
        assert!(same(&yaml::read(&after).unwrap(), &intended), "{shown}");
        let (old, new): (Vec<&str>, Vec<&str>) = (text.lines().collect(), after.lines().collect());
        let is_new = change.path.to_string().contains("new ");
        let one_line = old.len() == new.len() && old.iter().zip(&new).filter(|(old, new)| old != new).count() <= 1;
        match change.change {
            Change::Set(_) if is_new => assert!(one_line || is_subsequence(&old, &new), "{shown}"),
            Change::Set(_) | Change::Remove => {}
        }
        // Comments that stand alone outlive whatever happens around them; what lies within the change may go.
        let alone = |lines: &[&str]| lines.iter().filter(|line| line.trim_start().starts_with("# alone")).count();
        if one_line {
            assert_eq!(alone(&old), alone(&new), "{shown}");
        }
        assert_eq!(new.first(), Some(&"# head"), "{shown}");
    }
    assert!(made > 3000 && refused * 50 < made, "{made} made, {refused} refused");
}
