//! What text becomes.
use super::{Node, read};

fn check(text: &str, expected: &str) {
    let node = read(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
    assert_eq!(show(&node), expected, "{text}");
}

fn show(node: &Node) -> String {
    match node {
        Node::Null => "null".to_owned(),
        Node::Bool(value) => value.to_string(),
        Node::Number(number) => number.to_string(),
        Node::Text(text) => format!("{text:?}"),
        Node::List(list) => format!("[{}]", list.iter().map(show).collect::<Vec<_>>().join(",")),
        Node::Map(entries) => {
            let entries = entries.iter().map(|(key, node)| format!("{key}={}", show(node)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
    }
}

#[test]
fn scalars_have_the_types_of_yaml_1_2() {
    check("[1, -2, 1.5, true, yes, off, ~, null, '1', a b]", r#"[1,-2,1.5,true,"yes","off",null,null,"1","a b"]"#);
    check("2024-10-21", r#""2024-10-21""#);
    check("", "null");
}

#[test]
fn keys_keep_their_order() {
    check("{z: 1, a: 2, 3: 4}", "{z=1,a=2,3=4}");
}

#[test]
fn merges_are_resolved() {
    check("{d: &d {a: 1, b: 2}, m: {<<: *d, b: 3}}", "{d={a=1,b=2},m={b=3,a=1}}");
    check("{x: &x {a: 1}, y: &y {b: 2}, m: {<<: [*x, *y], c: 3}}", "{x={a=1},y={b=2},m={c=3,a=1,b=2}}");
}
