//! How an upstream answer is judged before anything of it is kept, and how an answer of ours came about.

/// The class of a refusal or failure; only what is in no class reaches the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErrorClass {
    /// Too fast: pause, then go on.
    Rate,
    /// An allowance is used up until it resets.
    Quota,
    /// The credentials are refused.
    Auth,
    /// The plan does not include this.
    Plan,
    /// There is no such symbol.
    NotFound,
    /// The provider cannot reach that far.
    OutOfWindow,
    /// The request itself is at fault.
    Bad,
    /// The provider is failing: 5xx, time-out, reset, or a body that is not data.
    Up,
}

impl ErrorClass {
    pub fn name(self) -> &'static str {
        match self {
            ErrorClass::Rate => "rate",
            ErrorClass::Quota => "quota",
            ErrorClass::Auth => "auth",
            ErrorClass::Plan => "plan",
            ErrorClass::NotFound => "not_found",
            ErrorClass::OutOfWindow => "out_of_window",
            ErrorClass::Bad => "bad",
            ErrorClass::Up => "up",
        }
    }

    /// Does it speak against the provider's health?
    pub fn trips_breaker(self) -> bool {
        self == ErrorClass::Up
    }
}

/// The seeds' names of the cache levels; local disk counts as the third.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CacheLevel {
    L1Memory,
    L2Redis,
    L3Database,
}

impl CacheLevel {
    /// As it stands in `Cache-Status: …; detail=`.
    pub fn short(self) -> &'static str {
        match self {
            CacheLevel::L1Memory => "L1",
            CacheLevel::L2Redis => "L2",
            CacheLevel::L3Database => "L3",
        }
    }
}

/// How an answer came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Hit,
    /// Some was held, the rest was fetched.
    Partial,
    Miss,
    /// Held, past its life, and served because nothing better could be had.
    Stale,
    Bypass,
    Error,
}

impl Outcome {
    pub fn name(self) -> &'static str {
        match self {
            Outcome::Hit => "hit",
            Outcome::Partial => "partial",
            Outcome::Miss => "miss",
            Outcome::Stale => "stale",
            Outcome::Bypass => "bypass",
            Outcome::Error => "error",
        }
    }
}
