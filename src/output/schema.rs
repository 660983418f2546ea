//! The JSON Schema of the NDJSON events, generated from their types.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator, json_schema};

use super::event::{Action, AnomalyEvent, FlowEvent, SessionStartEvent, TotalsEvent};

/// JSON Schema 2020-12 of one line, indented.
pub fn json_schema() -> String {
    let mut generator = SchemaSettings::draft2020_12().into_generator();
    let alternatives: Vec<_> = Action::ALL
        .into_iter()
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
