//! Fragments as files that prove themselves.
//!
//! A file is plain Parquet, so that any reader opens it; its checksum stands in its name, is taken over key and bytes,
//! and is verified before a byte is decoded.

use super::StoreError;
use super::fragment::Fragment;
use crate::frame;
use finex_core::calendar::Grid;
use finex_core::series::FragmentKey;
use finex_providers::Provider;

pub const KEY: &str = "finex.key";
const FETCHED_AT: &str = "finex.fetched_at";
const PROVENANCE: &str = "finex.provenance";

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

pub fn seal(fragment: &Fragment, provider: &dyn Provider) -> Result<Sealed, StoreError> {
    let bars = provider.reread(&fragment.key.series, fragment.rows())?;
    let metadata = frame::Metadata::from([
        (KEY.to_owned(), fragment.key.to_string()),
        (FETCHED_AT.to_owned(), fragment.fetched_at.to_string()),
        (PROVENANCE.to_owned(), "call".to_owned()),
    ]);
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
) -> Result<Fragment, StoreError> {
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
    Ok(Fragment::new(key.clone(), &bars, grid, provider, fetched_at))
}
