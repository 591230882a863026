//! `capabilities` of a profile: what its model can do, as far as somebody knows.
use super::vendor::Place;
use crate::strategy::Capabilities;
use crate::walk::{Fields, Value};

/// What the file says; of schemas, else what is known of the vendor at its own address.
pub(super) fn read(profile: &mut Fields<'_>, place: Option<&Place>) -> Capabilities {
    let mut fields = profile.section("capabilities");
    let mut said = |key| fields.take(key).as_ref().and_then(Value::boolean);
    let (tools, vision, json_schema) = (said("tools"), said("vision"), said("json_schema"));
    fields.finish();
    let known = || place.filter(|place| !place.takes_json_schema()).map(|_| false);
    Capabilities { tools, vision, json_schema: json_schema.or_else(known) }
}
