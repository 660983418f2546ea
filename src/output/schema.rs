//! The JSON Schema of the NDJSON events, generated from their types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::event::compare::{CompareFlowEvent, CompareSummaryEvent};
use super::event::listener::ListenerEvent;
use super::event::{Action, AnomalyEvent, FlowEvent, SessionStartEvent, TotalsEvent};

/// Every dotted name that a `flow_end` can have, in the order of the schema: leaves, and arrays as a whole.
pub fn flow_end_fields() -> Vec<String> {
    let mut generator = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true).into_generator();
    let schema = generator.root_schema_for::<FlowEvent<'_>>();
    let mut fields = Vec::new();
    collect(schema.as_value(), String::new(), &mut fields);
    fields
}

fn collect(schema: &Value, path: String, fields: &mut Vec<String>) {
    // An optional object is written as "this or null".
    let alternatives = schema.get("anyOf").and_then(Value::as_array);
    let object = alternatives.into_iter().flatten().chain([schema]).find_map(|s| s.get("properties")?.as_object());
    match object {
        None => fields.push(path),
        Some(properties) => {
            for (name, property) in properties {
                let dot = if path.is_empty() { "" } else { "." };
                collect(property, format!("{path}{dot}{name}"), fields);
            }
        }
    }
}

/// Every dotted name that a `flow_end` can have, and what it means, for the manual.
pub fn described_fields() -> Vec<(String, String)> {
    let mut generator = SchemaSettings::draft2020_12().with(|s| s.inline_subschemas = true).into_generator();
    let schema = generator.root_schema_for::<FlowEvent<'_>>();
    let property = |name: &String| {
        let mut found = schema.as_value();
        for part in name.split('.') {
            let alternatives = found.get("anyOf").and_then(Value::as_array);
            found = alternatives.into_iter().flatten().chain([found]).find_map(|s| s.get("properties")?.get(part))?;
        }
        Some(about(found))
    };
    flow_end_fields().into_iter().map(|name| (name.clone(), property(&name).unwrap_or_default())).collect()
}

/// What a property means and may be: its description, or its type and its words.
fn about(property: &Value) -> String {
    let alternatives = property.get("anyOf").and_then(Value::as_array);
    let mut all = alternatives.into_iter().flatten().chain([property]);
    let text = |value: &Value| Some(value.get("description")?.as_str()?.replace(['`', '\n'], " "));
    let description = text(property).or_else(|| all.clone().find_map(text));
    let words: Vec<&str> = all
        .clone()
        .find_map(|value| value.get("enum").or_else(|| value.get("oneOf"))?.as_array())
        .into_iter()
        .flatten()
        .filter_map(|word| word.as_str().or_else(|| word.get("const")?.as_str()))
        .collect();
    let kind = all.find_map(|value| match value.get("type")? {
        Value::Array(several) => several.iter().find_map(|kind| kind.as_str().filter(|kind| *kind != "null")),
        kind => kind.as_str(),
    });
    let kind = match (kind, words.is_empty()) {
        (_, false) => format!("One of {}.", words.join(", ")),
        (Some(kind), true) => format!("({kind})"),
        (None, true) => String::new(),
    };
    format!("{} {kind}", description.unwrap_or_default()).trim().to_owned()
}

/// Every event, and when it is written.
pub fn described_actions() -> Vec<(String, String)> {
    let schema = SchemaGenerator::default().into_root_schema_for::<Action>();
    let actions = schema.as_value().get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let word = |action: &Value, key: &str| action.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
    actions.map(|action| (word(action, "const"), word(action, "description"))).collect()
}

/// JSON Schema 2020-12 of one line, indented.
pub fn json_schema() -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let alternatives: Vec<_> = Action::ALL
        .iter()
        .map(|action| {
            let line = match action {
                Action::SessionStart => reference::<SessionStartEvent<'_>>(&mut generator),
                Action::FlowStart | Action::HandshakeEnd | Action::TeardownStart | Action::FlowEnd => {
                    reference::<FlowEvent<'_>>(&mut generator)
                }
                Action::Anomaly => reference::<AnomalyEvent<'_>>(&mut generator),
                Action::Listener => reference::<ListenerEvent>(&mut generator),
                Action::Stats | Action::SessionEnd => reference::<TotalsEvent<'_>>(&mut generator),
            };
            let this_action = json_schema!({
                "properties": { "event": { "properties": { "action": { "const": action.name() } } } }
            });
            json_schema!({ "title": action.name(), "allOf": [line, this_action] })
        })
        .collect();
    let compared = [
        ("compare_flow", reference::<CompareFlowEvent>(&mut generator)),
        ("compare_summary", reference::<CompareSummaryEvent>(&mut generator)),
    ];
    let alternatives: Vec<_> = alternatives
        .into_iter()
        .chain(compared.into_iter().map(|(name, line)| {
            let this_action = json_schema!({
                "properties": { "event": { "properties": { "action": { "const": name } } } }
            });
            json_schema!({ "title": name, "allOf": [line, this_action] })
        }))
        .collect();
    let definitions = generator.take_definitions(true);
    let schema = json_schema!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "synscope event",
        "description": "One line of synscope's NDJSON (synscope.v = 1)",
        "oneOf": alternatives,
        "$defs": definitions,
    });
    let mut text = format!("{:#}", schema.as_value());
    text.push('\n');
    text
}

fn reference<T: JsonSchema>(generator: &mut SchemaGenerator) -> schemars::Schema {
    generator.subschema_for::<T>()
}
