//! Fragments as files that prove themselves.
//!
//! A file is plain Parquet, so that any reader opens it; its checksum stands in its name, is taken over key and bytes,
//! and is verified before a byte is decoded.

use super::StoreError;
use super::fragment::Fragment;
use crate::frame;
use finex_core::calendar::Grid;
use finex_core::envelope::Envelope;
use finex_core::series::FragmentKey;
use finex_providers::Provider;

pub const KEY: &str = "finex.key";
const FETCHED_AT: &str = "finex.fetched_at";
const PROVENANCE: &str = "finex.provenance";
const NOTES: &str = "finex.notes";

/// A sealed fragment: its bytes and their checksum.
pub struct Sealed {
    pub bytes: Vec<u8>,
    pub checksum: String,
}

/// Blake3 over key and bytes, 32 hexadecimal digits: the bytes of another key do not pass for these.
pub fn checksum(key: &FragmentKey, bytes: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(key.to_string().as_bytes()).update(&[0]).update(bytes);
    hasher.finalize().to_hex()[..32].to_owned()
}

/// What a provider said beside the bars goes with them: without it no answer can be composed of them.
pub fn seal(fragment: &Fragment, notes: &Envelope, provider: &dyn Provider) -> Result<Sealed, StoreError> {
    let bars = provider.reread(&fragment.key.series, fragment.rows())?;
    let mut metadata = frame::Metadata::from([
        (KEY.to_owned(), fragment.key.to_string()),
        (FETCHED_AT.to_owned(), fragment.fetched_at.to_string()),
        (PROVENANCE.to_owned(), "call".to_owned()),
    ]);
    if provider.needs_sight() {
        let notes = serde_json::to_string(notes).map_err(|e| StoreError::Malformed(e.to_string()))?;
        metadata.insert(NOTES.to_owned(), notes);
    }
    let bytes = frame::to_parquet(&bars, provider.manifest().columns, &metadata)?;
    Ok(Sealed { checksum: checksum(&fragment.key, &bytes), bytes })
}

/// Verifies and decodes.
pub fn unseal(
    key: &FragmentKey,
    expected: &str,
    bytes: &[u8],
    grid: Grid,
    provider: &dyn Provider,
) -> Result<(Fragment, Envelope), StoreError> {
    if checksum(key, bytes) != expected {
        return Err(StoreError::Checksum(key.to_string()));
    }
    let (bars, metadata) = frame::from_parquet(bytes)?;
    if metadata.get(KEY).map(String::as_str) != Some(key.to_string().as_str()) {
        return Err(StoreError::Malformed(format!("{key} names another key inside")));
    }
    let range = finex_providers::range(&bars);
    if range != Some((key.first, key.last)) {
        return Err(StoreError::Malformed(format!("{key} does not hold its range")));
    }
    let fetched_at = metadata.get(FETCHED_AT).and_then(|text| text.parse().ok()).unwrap_or(0);
    let notes = match metadata.get(NOTES) {
        Some(text) => serde_json::from_str(text).map_err(|e| StoreError::Malformed(format!("{key}: {e}")))?,
        None if provider.needs_sight() => {
            return Err(StoreError::Malformed(format!("{key} does not tell what was said beside its bars")));
        }
        None => Envelope::default(),
    };
    Ok((Fragment::new(key.clone(), &bars, grid, provider, fetched_at), notes))
}
