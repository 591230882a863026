use super::*;
use crate::testing::{Told, echo, load, pattern, runtime};

fn tool(names: &[&str]) -> Vec<u8> {
    let mut tool = echo();
    let told = |name| Told { name, description: "For tests.", schema: crate::testing::SCHEMA, output: None };
    tool.told = names.iter().copied().map(told).collect();
    tool.module()
}

#[tokio::test]
async fn a_name_belongs_to_the_first_file_that_wants_it() {
    let runtime = runtime();
    let a = load(&runtime, "a", tool(&["one", "two"])).await.unwrap();
    let b = load(&runtime, "b", tool(&["three", "two"])).await.unwrap();
    let c = load(&runtime, "c", tool(&["four"])).await.unwrap();
    let p = load(&runtime, "one", pattern(&[("A", "b")])).await.unwrap();
    // The order of the list is nothing; the order of the names is all.
    let (components, clashes) = Components::new(vec![p, c, b, a]);
    let clash = Clash { kind: Kind::Tool, name: "two".to_owned(), file: "b".to_owned(), owner: "a".to_owned() };
    assert_eq!(clashes, [clash]);
    assert_eq!(
        clashes[0].to_string(),
        "tool `two` of tools/b.wasm is already defined by tools/a.wasm: rename one of them"
    );
    let files: Vec<_> = components.iter().map(|component| component.file.as_str()).collect();
    assert_eq!(files, ["one", "a", "c"]);
    assert_eq!(components.toolbox_of("two").unwrap().file, "a");
    assert!(components.toolbox_of("three").is_none() && components.pattern("a").is_none());
    assert_eq!(components.pattern("one").unwrap().kind, Kind::Pattern);
    assert_eq!((components.patterns().count(), components.toolboxes().count()), (1, 2));
    assert_eq!(Components::empty().iter().count(), 0);
}
