//! Reads the name of a value's variant from serde, without serializing the fields.

use serde::Serialize;
use serde::ser::{self, Impossible, Serializer};

/// Returns the name of the variant as it is serialized. `None`: `value` is no enum with fields.
pub(super) fn name_of<E: Serialize>(value: &E) -> Option<&'static str> {
    value.serialize(Name).err().and_then(|Found(name)| name)
}

/// Serializer that stops at the name of the first variant.
struct Name;

/// The name that was found. It is an error, so that serde stops.
#[derive(Debug, thiserror::Error)]
#[error("the name of a variant")]
struct Found(Option<&'static str>);

impl ser::Error for Found {
    fn custom<T: std::fmt::Display>(_: T) -> Found {
        Found(None)
    }
}

type No = Impossible<(), Found>;

macro_rules! no_variants {
    ($($method:ident($($argument:ty),*) -> $answer:ty;)+) => {
        $(fn $method(self, $(_: $argument),*) -> Result<$answer, Found> {
            Err(Found(None))
        })+
    };
}

impl Serializer for Name {
    type Ok = ();
    type Error = Found;
    type SerializeSeq = No;
    type SerializeTuple = No;
    type SerializeTupleStruct = No;
    type SerializeTupleVariant = No;
    type SerializeMap = No;
    type SerializeStruct = No;
    type SerializeStructVariant = No;

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), Found> {
        Err(Found(Some(variant)))
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: &T,
    ) -> Result<(), Found> {
        Err(Found(Some(variant)))
    }

    fn serialize_tuple_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<No, Found> {
        Err(Found(Some(variant)))
    }

    fn serialize_struct_variant(self, _: &'static str, _: u32, variant: &'static str, _: usize) -> Result<No, Found> {
        Err(Found(Some(variant)))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<(), Found> {
        Err(Found(None))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, _: &T) -> Result<(), Found> {
        Err(Found(None))
    }

    no_variants! {
        serialize_bool(bool) -> ();
        serialize_i8(i8) -> ();
        serialize_i16(i16) -> ();
        serialize_i32(i32) -> ();
        serialize_i64(i64) -> ();
        serialize_u8(u8) -> ();
        serialize_u16(u16) -> ();
        serialize_u32(u32) -> ();
        serialize_u64(u64) -> ();
        serialize_f32(f32) -> ();
        serialize_f64(f64) -> ();
        serialize_char(char) -> ();
        serialize_str(&str) -> ();
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> No;
        serialize_tuple(usize) -> No;
        serialize_tuple_struct(&'static str, usize) -> No;
        serialize_map(Option<usize>) -> No;
        serialize_struct(&'static str, usize) -> No;
    }
}
