//! One suite that every store passes.

use finex::observe::metrics::Metrics;
use finex::store::disk::Disk;
use finex::store::fragment::Fragment;
use finex::store::ledger_file::{FragmentFile, LedgerFile};
use finex::store::memory::Memory;
use finex::store::{Entry, Store, StoreError, seal};
use finex_core::calendar::Grid;
use finex_core::envelope::Envelope;
use finex_core::series::{FragmentKey, Series, Version};
use finex_core::time::Ts;
use finex_providers::binance::Binance;
use finex_providers::{Provider, Registry};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

const ROW: &str = r#"[1704067200000,"1.00000000","2.00000000","0.50000000","1.50000000","10.00000000",1704070799999,"15.00000000",3,"5.00000000","7.50000000","0"]"#;

fn fragment(symbol: &str, hour: i64, fetched_at: Ts) -> Arc<Fragment> {
    let binance = Binance::new(&|_| {});
    let interval = "1h".parse().expect("an interval");
    let base = binance.series("BTCUSDT", interval).expect("a series");
    // Any text may be a symbol as far as a store is concerned.
    let series = Series { symbol: symbol.into(), ..base };
    let open = 1_704_067_200_000 + hour * 3_600_000;
    let body =
        ROW.replace("1704067200000", &open.to_string()).replace("1704070799999", &(open + 3_599_999).to_string());
    let bars = finex_providers::binance::read(&series, format!("[{body}]").as_bytes()).expect("a row");
    let version = Version { layout: 1, basis: 0 };
    let key = FragmentKey { series, first: open, last: open, columns: bars.set(), version };
    Arc::new(Fragment::new(key, &bars, Grid::new(interval, 0), &binance, fetched_at))
}

fn entry(fragment: &Arc<Fragment>, generation: u64) -> Entry {
    Entry { generation, ..Entry::lasting(fragment.clone(), Arc::default()) }
}

async fn suite(store: &dyn Store) {
    let hostile = ["BTC:USDT", "../../etc/passwd", "*", "", "a\u{0}b", "ä ß", "=,_@%", &"x".repeat(300)];
    let a = fragment("BTCUSDT", 0, 5);
    assert!(store.get(&a.key).await.expect("no failure").is_none());
    store.put(entry(&a, 1)).await.expect("kept");
    let back = store.get(&a.key).await.expect("no failure").expect("there");
    assert_eq!((back.fragment.rows(), &back.fragment.key, back.fragment.fetched_at), (a.rows(), &a.key, 5));

    let many: Vec<Arc<Fragment>> = hostile.iter().map(|symbol| fragment(symbol, 1, 0)).collect();
    store.put_multiple(many.iter().map(|f| entry(f, 1)).collect()).await.expect("kept");
    let keys: Vec<FragmentKey> = many.iter().map(|f| f.key.clone()).collect();
    let got = store.get_multiple(&keys).await.expect("no failure");
    for (f, got) in many.iter().zip(got) {
        assert_eq!(got.expect("there").fragment.key, f.key);
    }

    let b = fragment("BTCUSDT", 2, 0);
    store.put(entry(&b, 1)).await.expect("kept");
    let prefix = FragmentKey::series_pattern(&a.key.series);
    let found = store.scan_prefix(&prefix).await.expect("no failure");
    assert_eq!(found, [a.key.clone(), b.key.clone()]);
    assert_eq!(
        store.scan_prefix("finex:%2A:").await.expect("no failure").len(),
        1,
        "a star is a symbol like any other"
    );
    assert!(store.scan_prefix("nothing").await.expect("no failure").is_empty());

    assert!(store.delete(&a.key).await.expect("no failure"));
    assert!(!store.delete(&a.key).await.expect("no failure"));
    assert!(store.get(&a.key).await.expect("no failure").is_none());
    assert!(store.get(&b.key).await.expect("no failure").is_some());
}

fn memory(now: &Arc<AtomicI64>) -> Memory {
    let now = now.clone();
    Memory::new(1 << 20, Arc::new(move || now.load(Ordering::SeqCst)), &Arc::new(Metrics::new()))
}

#[tokio::test]
async fn memory_passes() {
    let now = Arc::new(AtomicI64::new(0));
    suite(&memory(&now)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn disk_passes() {
    let folder = tempfile::tempdir().expect("a folder");
    let disk = Disk::open(folder.path(), Registry::builtin(|_| {})).expect("a disk");
    suite(&disk).await;
    let outside = std::fs::read_dir(folder.path()).expect("a folder").count();
    assert_eq!(outside, 2, "the lock and one provider, nothing beside them");
}

#[tokio::test]
async fn entries_expire_and_older_generations_do_not_return() {
    let now = Arc::new(AtomicI64::new(0));
    let store = memory(&now);
    let f = fragment("BTCUSDT", 0, 0);
    store.put(Entry { expires: Some(100), ..entry(&f, 5) }).await.expect("kept");
    store.put(entry(&f, 4)).await.expect("passed by");
    assert_eq!(store.get(&f.key).await.expect("no failure").expect("there").generation, 5);
    now.store(100, Ordering::SeqCst);
    assert!(store.get(&f.key).await.expect("no failure").is_none());
}

/// As many as a disk may ever flip, in fragments and in ledgers: none is believed.
#[test]
fn ten_thousand_flipped_bits_are_seen_before_anything_is_decoded() {
    let provider = Registry::builtin(|_| {}).get("binance").expect("a provider").clone();
    let f = fragment("BTCUSDT", 0, 0);
    let grid = provider.grid(&f.key.series);
    let sealed = seal::seal(&f, &Envelope::default(), provider.as_ref()).expect("a file");
    let (whole, _) = seal::unseal(&f.key, &sealed.checksum, &sealed.bytes, grid, provider.as_ref()).expect("its rows");
    assert_eq!(whole.times, f.times);
    let file = FragmentFile::of(&f.key, &f.times, 5, sealed.checksum.clone(), sealed.bytes.len() as u64);
    let ledger = LedgerFile { layout: 1, fragments: vec![file], home: "a=b".into(), ..LedgerFile::default() };
    let ledger_bytes = ledger.seal().expect("a ledger");
    let mut random = fastrand::Rng::with_seed(11);
    let mut flip = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        let at = random.usize(..bytes.len());
        bytes[at] ^= 1 << random.u8(..8);
        bytes
    };
    for _ in 0..10_000 {
        let bytes = flip(&sealed.bytes);
        let read = seal::unseal(&f.key, &sealed.checksum, &bytes, grid, provider.as_ref());
        assert!(matches!(read, Err(StoreError::Checksum(_))));
        // Between its two members a ledger may say the same in other bytes.
        let read = LedgerFile::unseal(&flip(&ledger_bytes));
        assert!(read.is_err() || read.is_ok_and(|read| read == ledger));
    }
}
