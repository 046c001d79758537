//! The words of finex and its planner.
//!
//! Everything here is a pure function of its arguments: no I/O, no async, no clock. Times are open times in UTC
//! milliseconds; windows are half-open.

pub mod ask;
pub mod calendar;
pub mod columns;
pub mod envelope;
pub mod event;
pub mod exchange;
pub mod plan;
pub mod series;
pub mod status;
pub mod terms;
pub mod time;
pub mod truth;
