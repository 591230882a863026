//! How much a schema can cost to check, counted before it is compiled: every `$ref` with all that it pulls in, and how
//! often it comes back to itself. Follows references inside the schema only; others are refused.
use crate::defaults;
use serde_json::Value;

/// How deep arguments may be nested, so that checking stays cheap.
pub(super) struct Cost {
    pub(super) depth_max: u32,
}

struct Walk<'a> {
    root: &'a Value,
    seen: u64,
    /// References to something that is being followed already.
    recursive: u64,
    following: Vec<&'a str>,
}

/// Frames of the walk, references included.
const DEPTH_MAX: u32 = 256;
/// What serde_json takes anyway.
const NESTING_MAX: u32 = 128;

pub(super) fn check(root: &Value) -> Result<Cost, String> {
    let mut walk = Walk { root, seen: 0, recursive: 0, following: Vec::new() };
    walk.value(root, 0)?;
    Ok(Cost { depth_max: depth_max(walk.recursive) })
}

/// A schema that refers to itself in `n` places may be tried `n` times at every level of the arguments: the deepest
/// nesting for which that stays below a million.
fn depth_max(recursive: u64) -> u32 {
    if recursive < 2 {
        return NESTING_MAX;
    }
    let fits = |levels: &u32| recursive.checked_pow(*levels).is_some_and(|tries| tries <= defaults::SCHEMA_TRIES_MAX);
    (1..NESTING_MAX).take_while(fits).last().unwrap_or(1)
}

// === impl Walk ===
impl<'a> Walk<'a> {
    fn value(&mut self, value: &'a Value, depth: u32) -> Result<(), String> {
        self.seen += 1;
        if self.seen > defaults::SCHEMA_COST_MAX || depth > DEPTH_MAX {
            return Err("it is too large or too deep once its `$ref`s are followed".to_owned());
        }
        match value {
            Value::Object(members) => members.iter().try_for_each(|(key, member)| self.member(key, member, depth + 1)),
            Value::Array(items) => items.iter().try_for_each(|item| self.value(item, depth + 1)),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Ok(()),
        }
    }

    fn member(&mut self, key: &'a str, member: &'a Value, depth: u32) -> Result<(), String> {
        match (key, member) {
            ("$ref", Value::String(target)) => self.reference(target, depth),
            ("$dynamicRef" | "$recursiveRef", Value::String(_)) => Err(format!("`{key}` is not taken: use `$ref`")),
            // Instances, not schemas.
            ("const" | "enum" | "default" | "examples", _) => Ok(()),
            _ => self.value(member, depth),
        }
    }

    fn reference(&mut self, target: &'a str, depth: u32) -> Result<(), String> {
        let Some(pointer) = target.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
            let target = crate::lines::cut(target, 200);
            return Err(format!("`$ref` to `{target}`: only references inside the schema (`#/$defs/…`) are followed"));
        };
        if self.following.contains(&pointer) || pointer.is_empty() {
            self.recursive += 1;
            return Ok(());
        }
        let Some(found) = self.root.pointer(pointer) else {
            return Err(format!("`$ref` to `#{}`, which is not there", crate::lines::cut(pointer, 200)));
        };
        self.following.push(pointer);
        self.value(found, depth + 1)?;
        self.following.pop();
        Ok(())
    }
}
