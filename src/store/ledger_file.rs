//! The file beside a series' fragments: what was asked and answered, and which fragments back it.
//!
//! It proves itself as fragments do: a checksum over the text of the ledger. What fails is passed by, and the fragments
//! tell what they are.

use super::StoreError;
use super::fragment::Times;
use finex_core::envelope::Envelope;
use finex_core::plan::coverage::Known;
use finex_core::series::FragmentKey;
use finex_core::time::Ts;
use serde::{Deserialize, Serialize};
use serde_json::value::{RawValue, to_raw_value};

/// Its name; readers of `*.parquet` pass it by.
pub const NAME: &str = "_coverage.json";

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct LedgerFile {
    pub layout: u16,
    /// The folder in which it belongs: the ledger of another series must not be believed.
    #[serde(default)]
    pub home: String,
    pub basis: u32,
    pub known: Vec<Known>,
    pub fragments: Vec<FragmentFile>,
    /// What was said beside the bars.
    #[serde(default, skip_serializing_if = "Envelope::is_empty")]
    pub envelope: Envelope,
    /// The same of the basis before, as far as the provider does not give its bars any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub earlier: Option<Box<LedgerFile>>,
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

impl FragmentFile {
    pub fn of(key: &FragmentKey, times: &Times, fetched_at: Ts, checksum: String, bytes: u64) -> FragmentFile {
        let listed = match times {
            Times::Regular { .. } => None,
            Times::Listed(times) => Some(times.to_vec()),
        };
        FragmentFile { key: key.to_string(), checksum, bytes, fetched_at, rows: times.len(), times: listed }
    }
}

#[derive(Serialize, Deserialize)]
struct Sealed<'a> {
    checksum: String,
    #[serde(borrow)]
    ledger: &'a RawValue,
}

fn checksum(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex()[..32].to_owned()
}

impl LedgerFile {
    pub fn seal(&self) -> Result<Vec<u8>, StoreError> {
        let malformed = |e: serde_json::Error| StoreError::Malformed(e.to_string());
        let ledger = to_raw_value(self).map_err(malformed)?;
        let sealed = Sealed { checksum: checksum(ledger.get()), ledger: &ledger };
        serde_json::to_vec(&sealed).map_err(malformed)
    }

    pub fn unseal(bytes: &[u8]) -> Result<LedgerFile, StoreError> {
        let malformed = |e: serde_json::Error| StoreError::Malformed(e.to_string());
        let sealed: Sealed<'_> = serde_json::from_slice(bytes).map_err(malformed)?;
        if checksum(sealed.ledger.get()) != sealed.checksum {
            return Err(StoreError::Checksum(NAME.to_owned()));
        }
        serde_json::from_str(sealed.ledger.get()).map_err(malformed)
    }
}
