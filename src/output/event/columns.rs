//! Fields of an event by their dotted names, as text.

use csv::ByteRecord;
use serde_json::Value;

use super::FlowEvent;

/// The fields of `event` that `names` ask for; an absent one is empty. Lists are joined by `;`, of anomalies the ids.
pub fn record(event: &FlowEvent<'_>, names: &[String]) -> ByteRecord {
    let value = serde_json::to_value(event).unwrap_or_default();
    names.iter().map(|name| text(find(&value, name)).into_bytes()).collect()
}

fn find<'a>(value: &'a Value, name: &str) -> &'a Value {
    let mut found = value;
    for part in name.split('.') {
        found = found.get(part).unwrap_or(&Value::Null);
    }
    found
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Array(list) => list.iter().map(text).collect::<Vec<_>>().join(";"),
        Value::Object(object) => match object.get("id") {
            Some(id) => text(id),
            None => value.to_string(),
        },
        other => other.to_string(),
    }
}
