use super::*;
use notify::event::{AccessKind, ModifyKind};

fn wakes(kind: EventKind, paths: &[&str]) -> bool {
    concerns(&paths.iter().fold(Event::new(kind), |event, path| event.add_path((*path).into())))
}

#[test]
fn only_a_change_of_a_file_that_is_read_wakes() {
    let modified = EventKind::Modify(ModifyKind::Any);
    for path in ["tools/a.wasm", "tools/a.policy.yaml", "keys_pool/keys_pool_openai.env"] {
        assert!(wakes(modified, &[path]), "{path}");
        assert!(!wakes(EventKind::Access(AccessKind::Any), &[path]), "{path}");
    }
    for path in ["tools/gateway.log", "tools/.a.wasm", "tools/a.wasm.part", "tools"] {
        assert!(!wakes(modified, &[path]), "{path}");
    }
}

#[test]
fn a_rename_to_a_name_that_is_read_wakes() {
    assert!(wakes(EventKind::Modify(ModifyKind::Any), &["tools/a.part", "tools/a.wasm"]));
}

#[test]
fn lost_events_wake() {
    assert!(wakes(EventKind::Other, &[]));
}
