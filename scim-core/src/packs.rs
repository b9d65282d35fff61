//! Schemas of other RFCs, ready to be served: data that the same engine runs as any schema of your own.

#[cfg(feature = "devices")]
pub mod device;
