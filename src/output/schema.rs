//! The JSON Schema of the NDJSON events, generated from their types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator, json_schema};
use serde_json::Value;

use super::event::compare::{CompareFlowEvent, CompareSummaryEvent};
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
