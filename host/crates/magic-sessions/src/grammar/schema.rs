//! JSON Schema to GBNF: strings, numbers, integers, booleans, null, constants, enums, unions, arrays and nested objects.
//! Every bound that is passed makes the value any JSON value.
use super::literal;
use serde_json::{Map, Value};

const DEPTH_MAX: usize = 6;
const PROPERTIES_MAX: usize = 24;
/// Optional properties may each stand or not, which takes rules in their number's square.
const OPTIONAL_MAX: usize = 8;
const CHOICES_MAX: usize = 64;
const ITEMS_MAX: usize = 16;

/// Rules made so far, named `r0`, `r1` and so on.
#[derive(Default)]
pub(super) struct Rules {
    text: String,
    made: usize,
}

// === impl Rules ===

impl Rules {
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// The expression for a tool's arguments, which are always an object.
    pub(super) fn arguments(&mut self, schema: &Value) -> String {
        match schema.get("properties") {
            Some(Value::Object(_)) => self.object(schema, 0),
            _ => "object".to_owned(),
        }
    }

    fn value(&mut self, schema: &Value, depth: usize) -> String {
        let any = || "value".to_owned();
        let Value::Object(fields) = schema else { return any() };
        if depth > DEPTH_MAX || ["$ref", "allOf", "not", "if"].iter().any(|key| fields.contains_key(*key)) {
            return any();
        }
        if let Some(constant) = fields.get("const") {
            return literal(&spaced(constant));
        }
        if let Some(Value::Array(choices)) = fields.get("enum") {
            return self.choice(choices.iter().map(|choice| literal(&spaced(choice))).collect()).unwrap_or_else(any);
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(Value::Array(schemas)) = fields.get(key) {
                let schemas =
                    schemas.iter().take(CHOICES_MAX + 1).map(|schema| self.value(schema, depth + 1)).collect();
                return self.choice(schemas).unwrap_or_else(any);
            }
        }
        match fields.get("type") {
            Some(Value::String(kind)) => self.typed(kind, schema, depth),
            Some(Value::Array(kinds)) => {
                let kinds = kinds.iter().take(CHOICES_MAX + 1).filter_map(Value::as_str);
                let kinds = kinds.map(|kind| self.typed(kind, schema, depth)).collect();
                self.choice(kinds).unwrap_or_else(any)
            }
            _ => any(),
        }
    }

    fn typed(&mut self, kind: &str, schema: &Value, depth: usize) -> String {
        match kind {
            "string" | "number" | "integer" | "boolean" | "null" => kind.to_owned(),
            "array" => match schema.get("items") {
                Some(items) => self.array(schema, items, depth),
                None => "array".to_owned(),
            },
            "object" => match schema.get("properties") {
                Some(Value::Object(_)) => self.object(schema, depth),
                _ => "object".to_owned(),
            },
            _ => "value".to_owned(),
        }
    }

    fn array(&mut self, schema: &Value, items: &Value, depth: usize) -> String {
        let item = self.value(items, depth + 1);
        let bound = |key: &str| schema.get(key).and_then(Value::as_u64).and_then(|bound| usize::try_from(bound).ok());
        let most = bound("maxItems").unwrap_or(ITEMS_MAX).min(ITEMS_MAX);
        let least = bound("minItems").unwrap_or(0).min(most);
        if most == 0 {
            return literal("[]");
        }
        let (more_least, more_most) = (least.saturating_sub(1), most - 1);
        let several = format!("{item} (\", \" {item}){{{more_least},{more_most}}}");
        let inner = if least == 0 { format!("({several})?") } else { several };
        self.rule(&format!("\"[\" {inner} \"]\""))
    }

    fn object(&mut self, schema: &Value, depth: usize) -> String {
        let none = Map::new();
        let properties = schema.get("properties").and_then(Value::as_object).unwrap_or(&none);
        let required: Vec<&str> = match schema.get("required") {
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        };
        let (must, may): (Vec<_>, Vec<_>) = properties.iter().partition(|(name, _)| required.contains(&name.as_str()));
        // A required name without a schema of its own cannot be spelled out here.
        if must.len() < required.len() || properties.len() > PROPERTIES_MAX || may.len() > OPTIONAL_MAX {
            return "object".to_owned();
        }
        let must: Vec<String> = must.into_iter().map(|(name, schema)| self.property(name, schema, depth)).collect();
        let may: Vec<String> = may.into_iter().map(|(name, schema)| self.property(name, schema, depth)).collect();
        let inner = inside(&must, &may);
        self.rule(&format!("\"{{\" {inner} \"}}\"").replace("  ", " "))
    }

    fn property(&mut self, name: &str, schema: &Value, depth: usize) -> String {
        let value = self.value(schema, depth + 1);
        let pair = [&literal(&[&Value::from(name).to_string(), ": "].concat()), " ", &value].concat();
        self.rule(&pair)
    }

    fn choice(&mut self, choices: Vec<String>) -> Option<String> {
        let fits = !choices.is_empty() && choices.len() <= CHOICES_MAX;
        fits.then(|| self.rule(&choices.join(" | ")))
    }

    fn rule(&mut self, expression: &str) -> String {
        let name = format!("r{}", self.made);
        self.made += 1;
        self.text += &format!("{name} ::= {expression}\n");
        name
    }
}

/// The required properties in order, then any of the optional ones in order.
fn inside(must: &[String], may: &[String]) -> String {
    let comma = " \", \" ";
    let tail = |from: usize| may.iter().skip(from).map(|name| format!(" (\", \" {name})?")).collect::<String>();
    if !must.is_empty() {
        return must.join(comma) + &tail(0);
    }
    if may.is_empty() {
        return String::new();
    }
    // Nothing required: whichever optional one comes first has no comma before it.
    let firsts = may.iter().enumerate().map(|(at, name)| name.clone() + &tail(at + 1));
    format!("({})?", firsts.collect::<Vec<_>>().join(" | "))
}

/// JSON with the one spacing that the grammar's own punctuation has.
fn spaced(value: &Value) -> String {
    match value {
        Value::Array(items) => ["[", &items.iter().map(spaced).collect::<Vec<_>>().join(", "), "]"].concat(),
        Value::Object(fields) => {
            let pairs = fields
                .iter()
                .map(|(key, value)| [&Value::from(key.as_str()).to_string(), ": ", &spaced(value)].concat());
            ["{", &pairs.collect::<Vec<_>>().join(", "), "}"].concat()
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.to_string(),
    }
}
