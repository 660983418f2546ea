//! Single values of events: times, counts, words. Each writes itself without allocating.

use core::fmt;
use core::net::IpAddr;
use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use strum::VariantNames;

use crate::flow::community_id::CommunityId;
use crate::flow::features::Fingerprint;
use crate::output::clock::rfc3339;
use crate::tcp::Flags;
use crate::time::Timestamp;

/// The largest integer that every JSON reader keeps exactly.
const LARGEST: i64 = (1 << 53) - 1;

/// Implements [`JsonSchema`] by a literal schema, inline.
macro_rules! schema {
    ($type:ty, $name:literal, $schema:expr) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                Cow::Borrowed($name)
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                $schema
            }
        }
    };
}

/// A moment of packet time.
#[derive(Clone, Copy, Debug)]
pub struct Time(pub Timestamp);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(core::str::from_utf8(&rfc3339(self.0)).unwrap_or_default())
    }
}

schema!(
    Time,
    "Time",
    json_schema!({
        "type": "string",
        "pattern": r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z$",
        "description": "RFC 3339, UTC, nine digits; packet time"
    })
);

/// A count, from 0.
#[derive(Clone, Copy, Debug)]
pub struct Count(pub u64);

impl Serialize for Count {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.0.min(LARGEST as u64))
    }
}

schema!(Count, "Count", json_schema!({ "type": "integer", "minimum": 0, "maximum": LARGEST }));

/// A signed integer: durations in nanoseconds, figures.
#[derive(Clone, Copy, Debug)]
pub struct Integer(pub i64);

impl Serialize for Integer {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(self.0.clamp(-LARGEST, LARGEST))
    }
}

schema!(Integer, "Integer", json_schema!({ "type": "integer", "minimum": -LARGEST, "maximum": LARGEST }));

/// A number as text: ids are strings, so that nobody calculates with them.
#[derive(Clone, Copy, Debug)]
pub struct Id(pub u64);

impl Serialize for Id {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(itoa::Buffer::new().format(self.0))
    }
}

schema!(Id, "Id", json_schema!({ "type": "string", "pattern": "^[0-9]+$" }));

/// An address.
#[derive(Clone, Copy, Debug)]
pub struct Ip(pub IpAddr);

impl Serialize for Ip {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

schema!(Ip, "Ip", json_schema!({ "type": "string", "anyOf": [{ "format": "ipv4" }, { "format": "ipv6" }] }));

/// A Community ID.
#[derive(Clone, Copy, Debug)]
pub struct Community(pub CommunityId);

impl Serialize for Community {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.as_str())
    }
}

schema!(Community, "Community", json_schema!({ "type": "string", "pattern": "^1:[A-Za-z0-9+/]{27}=$" }));

/// Anything that displays itself, as a string.
#[derive(Clone, Copy, Debug)]
pub struct Shown<T>(pub T);

impl<T: fmt::Display> Serialize for Shown<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

schema!(Shown<Flags>, "Flags", json_schema!({ "type": "string", "pattern": "^([FSRPAUECN]{1,9}|-)$" }));
schema!(
    Shown<Fingerprint<'_>>,
    "Fingerprint",
    json_schema!({ "type": "string", "pattern": "^[46]:[0-9]+:[0-9]+:[0-9]+:[^:]+,[0-9]+:[^:]*:[^:]*:[0+]$" })
);

/// One of the words of `T`.
#[derive(Clone, Copy, Debug)]
pub struct EnumName<T>(pub T);

impl<T: Copy + Into<&'static str>> Serialize for EnumName<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.into())
    }
}

impl<T: VariantNames> JsonSchema for EnumName<T> {
    /// The name of the type alone, without its module.
    fn schema_name() -> Cow<'static, str> {
        let path = core::any::type_name::<T>();
        Cow::Borrowed(path.rsplit("::").next().unwrap_or(path))
    }
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "enum": T::VARIANTS })
    }
}
