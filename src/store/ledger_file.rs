//! The file beside a series' fragments: what was asked and answered, and which fragments back it.

use finex_core::plan::coverage::Known;
use finex_core::time::Ts;
use serde::{Deserialize, Serialize};

/// Its name; readers of `*.parquet` pass it by.
pub const NAME: &str = "_coverage.json";

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerFile {
    pub layout: u16,
    pub basis: u32,
    pub known: Vec<Known>,
    pub fragments: Vec<FragmentFile>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FragmentFile {
    pub key: String,
    pub checksum: String,
    pub bytes: u64,
    pub fetched_at: Ts,
    pub rows: usize,
    /// Open times, where they cannot be counted off the grid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<Vec<Ts>>,
}
