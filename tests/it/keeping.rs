//! What was paid for stays: across restarts, bit rot, lost files and evictions.

use crate::world::*;
use finex::config::{Config, DiskKind, values::Bytes};
use std::path::{Path, PathBuf};
use std::sync::Arc;

fn parquet_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(parquet_files(&path));
        } else if path.extension().is_some_and(|e| e == "parquet") {
            found.push(path);
        }
    }
    found.sort();
    found
}

const QUESTIONS: [(&str, &str, &str); 6] = [
    ("BTCUSDT", "1h", "&startTime=1704067200000&limit=1000"),
    ("BTCUSDT", "1m", "&startTime=1518048000000&limit=300"),
    ("ETHUSDT", "1d", "&startTime=0&limit=1000"),
    ("ETHUSDT", "1w", "&startTime=1500000000000&endTime=1700000000000"),
    ("SHIBUSDT", "1M", "&startTime=0&limit=20"),
    ("BTCUSDT", "1h", "&startTime=1518040000000&limit=100"),
];

async fn ask_all(world: &World) -> Vec<String> {
    let mut bodies = Vec::new();
    for (symbol, interval, window) in QUESTIONS {
        bodies.push(world.get(&format!("/binance{}", klines(symbol, interval, window))).await.body);
    }
    bodies
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_restart_the_same_questions_cost_no_call() {
    let world = World::new().await;
    let before = ask_all(&world).await;
    let folder = world.stop().await;
    assert!(!parquet_files(folder.path()).is_empty());
    let world = World::at(folder, NOW + DAY, |_| {}).await;
    assert!(world.app.restored >= 5);
    for ((symbol, interval, window), before) in QUESTIONS.iter().zip(&before) {
        let got = world.get(&format!("/binance{}", klines(symbol, interval, window))).await;
        assert_eq!((&got.body, world.calls()), (before, 0), "{symbol} {interval} {window}");
    }
    let got = world.get(&format!("/binance{}", klines("BTCUSDT", "1h", QUESTIONS[0].2))).await;
    assert!(got.cache_status().starts_with("finex; hit"), "{}", got.cache_status());
}

#[tokio::test(flavor = "multi_thread")]
async fn forming_bars_are_never_sealed() {
    let world = World::new().await;
    world.get(&format!("/binance{}", klines("BTCUSDT", "1h", "&limit=10"))).await;
    world.settle().await;
    let cell = world.app.gateway.tiers.catalog.all().remove(0);
    let snapshot = cell.snapshot();
    let last = snapshot.pieces.last().expect("a piece").key.last;
    assert!(last + HOUR <= NOW, "{last} is not over");
    assert_eq!(snapshot.loose.len(), 1);
    let folder = world.stop().await;
    let world = World::at(folder, NOW, |_| {}).await;
    world.agree(&klines("BTCUSDT", "1h", "&limit=10")).await;
    assert_eq!(world.calls(), 2, "the forming bar is asked for again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flipped_bit_is_noticed_before_it_is_believed() {
    let world = World::new().await;
    let truth = ask_all(&world).await;
    let mut folder = world.stop().await;
    let mut random = fastrand::Rng::with_seed(3);
    let mut flipped = 0;
    for round in 0..30 {
        let fragments = parquet_files(folder.path());
        let ledgers: std::collections::BTreeSet<PathBuf> =
            fragments.iter().map(|path| path.with_file_name("_coverage.json")).collect();
        // Ledgers and files in turn, or both: where the ledger is gone the files have to speak for themselves.
        let files: Vec<PathBuf> = match round % 3 {
            0 => fragments.clone(),
            1 => ledgers.into_iter().collect(),
            _ => fragments.iter().cloned().chain(ledgers).filter(|_| random.bool()).collect(),
        };
        for path in &files {
            let mut bytes = std::fs::read(path).expect("a file");
            let at = random.usize(..bytes.len());
            bytes[at] ^= 1 << random.u8(..8);
            std::fs::write(path, bytes).expect("written");
        }
        flipped += files.len();
        let world = World::at(folder, NOW, |_| {}).await;
        for ((symbol, interval, window), truth) in QUESTIONS.iter().zip(&truth) {
            let got = world.get(&format!("/binance{}", klines(symbol, interval, window))).await;
            assert_eq!(&got.body, truth, "round {round}: {symbol} {interval} {window}");
        }
        if round % 3 == 0 {
            let dropped = world.app.metrics.dropped_fragments.get() as usize;
            assert!((4..=files.len()).contains(&dropped), "{dropped} of {}", files.len());
            assert!(world.calls() > 0, "what was spoilt is fetched again");
        }
        assert_eq!(world.app.metrics.panics.get(), 0);
        folder = world.stop().await;
    }
    assert!(flipped > 150, "{flipped}");
}

#[tokio::test(flavor = "multi_thread")]
async fn cut_swapped_and_missing_files_are_refetched_never_mistaken() {
    let world = World::new().await;
    let truth = ask_all(&world).await;
    let folder = world.stop().await;
    let files = parquet_files(folder.path());
    assert!(files.len() >= 4);
    std::fs::remove_file(&files[0]).expect("removed");
    let other = std::fs::read(&files[1]).expect("a file");
    std::fs::write(&files[2], &other).expect("swapped");
    std::fs::write(&files[3], &other[..other.len() / 2]).expect("cut");
    std::fs::write(files[1].with_extension("tmp"), b"left over").expect("a leftover");
    let world = World::at(folder.clone(), NOW, |_| {}).await;
    assert!(!files[1].with_extension("tmp").exists(), "leftovers are swept");
    assert_eq!(ask_all(&world).await, truth);
    world.stop().await;
    let world = World::at(folder, NOW, |_| {}).await;
    assert_eq!(ask_all(&world).await, truth);
    assert_eq!(world.calls(), 0, "everything is whole again");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_was_tampered_with_is_not_believed() {
    let world = World::new().await;
    let path = klines("BTCUSDT", "1d", "&startTime=1704067200000&limit=60");
    let truth = world.get(&format!("/binance{path}")).await.body;
    let folder = world.stop().await;
    let ledger = parquet_files(folder.path())[0].with_file_name("_coverage.json");
    let text = std::fs::read_to_string(&ledger).expect("a ledger");
    for (from, to) in [("\"to\":17", "\"to\":97"), ("\"rows\":", "\"rows\":9"), ("\"known\"", "\"kn\u{0}wn\"")] {
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(&ledger, text.replacen(from, to, 1)).expect("written");
        let world = World::at(folder.clone(), NOW + 400 * DAY, |_| {}).await;
        assert_eq!(world.get(&format!("/binance{path}")).await.body, truth, "{from}");
        world.agree(&klines("BTCUSDT", "1d", &format!("&startTime={}&limit=5", NOW + 300 * DAY))).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_read_is_gone_round() {
    let world = World::new().await;
    let path = hours(0, 100);
    world.get(&format!("/binance{path}")).await;
    let folder = world.stop().await;
    let world = World::at(folder.clone(), NOW, |_| {}).await;
    for file in parquet_files(folder.path()) {
        std::fs::remove_file(&file).expect("removed");
        std::fs::create_dir(&file).expect("a folder in its place");
    }
    world.agree(&path).await;
    assert_eq!(world.calls(), 2, "one through the gateway, one straight");
    assert!(world.app.metrics.disk_errors.get() > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_odd_open_at_the_edge_of_a_file_hides_nothing_after_a_restart() {
    let by_the_hour = |config: &mut Config| {
        config.cache.fragments.insert("1h".into(), finex_core::calendar::Span::Hour);
    };
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let world = World::at(folder, NOW, by_the_hour).await;
    let path = klines("BTCUSDT", "1h", "&startTime=1518044400000&limit=8");
    let before = world.agree(&path).await;
    let folder = world.stop().await;
    let files = parquet_files(folder.path()).len();
    let world = World::at(folder.clone(), NOW, by_the_hour).await;
    assert_eq!(world.get(&format!("/binance{path}")).await.body, before.body);
    assert_eq!((world.calls(), parquet_files(folder.path()).len()), (0, files));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_is_told_as_fetched() {
    let world = World::new().await;
    world.get(&format!("/binance{}", hours(0, 100))).await;
    let folder = world.stop().await;
    let world = World::at(folder.clone(), NOW, |_| {}).await;
    parquet_files(folder.path()).iter().for_each(|path| std::fs::remove_file(path).expect("removed"));
    let got = world.get(&format!("/binance{}", hours(0, 100))).await;
    assert!(
        got.header("finex-cache-info").contains("cached=0, fetched=100, calls=1"),
        "{}",
        got.header("finex-cache-info")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_ledger_the_files_tell_what_they_are() {
    let world = World::new().await;
    let truth = ask_all(&world).await;
    let folder = world.stop().await;
    for file in parquet_files(folder.path()) {
        let _ = std::fs::remove_file(file.with_file_name("_coverage.json"));
    }
    let world = World::at(folder, NOW, |_| {}).await;
    let hit = world.get(&format!("/binance{}", klines("BTCUSDT", "1h", QUESTIONS[0].2))).await;
    assert_eq!((&hit.body, world.calls()), (&truth[0], 0));
    assert_eq!(ask_all(&world).await, truth);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_gateways_do_not_share_a_folder() {
    let world = World::new().await;
    let mut config = Config::default();
    config.cache.l3.path = world.folder.path().to_owned();
    let clock = Arc::new(|| NOW);
    let second = finex::app::App::build(config, clock, false);
    assert!(second.err().expect("refused").to_string().contains("in use"));
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_stays_within_its_bytes_and_answers_stay_right() {
    let world = World::with(|config| config.cache.l1.max_memory = Bytes(400 * 1024)).await;
    for round in 0..3 {
        for block in 0..20 {
            let path = hours(-20_000 + block * 1_000, -19_000 + block * 1_000);
            let got = world.get(&format!("/binance{path}")).await;
            assert_eq!(got.opens().len(), 1_000, "round {round}, block {block}");
        }
        world.settle().await;
        let (bytes, _) = world.app.gateway.tiers.memory.usage();
        assert!(bytes <= 400 * 1024, "{bytes}");
    }
    assert!(world.calls() <= 21, "{} calls", world.calls());
    assert!(world.app.metrics.evictions.get() > 0);
    world.agree(&hours(-15_500, -14_700)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_form_of_a_row_counts() {
    let world = World::new().await;
    let path = "/api/v1/market-data/BTCUSDT/history?interval=1h&start_time=2024-01-01&limit=500";
    world.get(&format!("/binance{}", hours(0, 500))).await;
    let native = world.app.gateway.tiers.memory.usage().0;
    for form in ["", "&layout=columns", "&format=csv"] {
        let before = world.app.gateway.tiers.memory.usage().0;
        world.get(&format!("{path}{form}")).await;
        let after = world.app.gateway.tiers.memory.usage().0;
        assert!(after > before, "{form}: {before} bytes became {after}");
    }
    assert!(world.app.gateway.tiers.memory.usage().0 > 2 * native);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_disk_stays_within_its_bytes() {
    let world = World::with(|config| {
        config.cache.l3.max_size = Bytes(300 * 1024);
        config.cache.l1.max_memory = Bytes(1);
    })
    .await;
    for block in 0..20 {
        world.get(&format!("/binance{}", hours(-20_000 + block * 1_000, -19_000 + block * 1_000))).await;
        world.settle().await;
    }
    let on_disk: u64 = parquet_files(world.folder.path()).iter().map(|p| p.metadata().expect("a file").len()).sum();
    assert!(on_disk <= 300 * 1024, "{on_disk}");
    assert!(world.app.metrics.disk_evictions.get() > 0);
    world.agree(&hours(-19_900, -19_200)).await;
    world.agree(&hours(-1_900, -1_200)).await;
    // A smaller budget holds from the start, before anybody asks.
    let half = |config: &mut Config| config.cache.l3.max_size = Bytes(150 * 1024);
    let world = World::at(world.stop().await, NOW, half).await;
    world.settle().await;
    let on_disk: u64 = parquet_files(world.folder.path()).iter().map(|p| p.metadata().expect("a file").len()).sum();
    assert!(on_disk > 0 && on_disk <= 150 * 1024, "{on_disk}");
    world.agree(&hours(-1_900, -1_200)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_gives_few_of_leaves_the_disk_last() {
    let world = World::with(|config| {
        config.cache.l3.max_size = Bytes(300 * 1024);
        config.cache.l1.max_memory = Bytes(1);
        config.providers.get_mut("alphavantage").expect("settings").limits.clear();
    })
    .await;
    let dear = "/alphavantage/query?function=TIME_SERIES_DAILY&symbol=IBM&outputsize=compact&apikey=demo";
    let truth = world.get(dear).await.body;
    for block in 0..20 {
        world.get(&format!("/binance{}", hours(-20_000 + block * 1_000, -19_000 + block * 1_000))).await;
        world.settle().await;
    }
    assert!(world.app.metrics.disk_evictions.get() > 0);
    let calls = world.sim.calls_of("alphavantage");
    assert_eq!(world.get(dear).await.body, truth);
    assert_eq!(world.sim.calls_of("alphavantage"), calls);
    let metrics = world.get("/metrics").await.body;
    let figure = |name: &str| {
        let line = metrics.lines().find(|line| line.starts_with(&format!("{name} "))).expect(name);
        line.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok()).expect("a figure")
    };
    assert_eq!((figure("finex_cache_disk_budget_bytes"), figure("finex_cache_memory_budget_bytes")), (300 * 1024, 1));
    assert!(figure("finex_cache_disk_bytes") <= 300 * 1024);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_disk_memory_alone_serves() {
    let world = World::with(|config| config.cache.l3.kind = DiskKind::Off).await;
    world.agree(&hours(0, 700)).await;
    world.settle().await;
    world.agree(&hours(100, 200)).await;
    assert_eq!(world.calls(), 3, "one through the gateway, two straight");
    assert!(parquet_files(world.folder.path()).is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_passed_by() {
    let world = World::new().await;
    world.agree(&hours(0, 10)).await;
    world.settle().await;
    let series = world.folder.path().join("provider=binance");
    std::fs::remove_dir_all(&series).expect("removed");
    std::fs::write(&series, b"in the way").expect("a file in the way");
    world.agree(&klines("ETHUSDT", "1d", "&startTime=1704067200000&limit=9")).await;
    world.settle().await;
    assert!(world.app.metrics.disk_errors.get() > 0);
    world.agree(&klines("ETHUSDT", "1d", "&startTime=1704067200000&limit=5")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn polling_does_not_litter_the_disk() {
    let world = World::new().await;
    for _ in 0..40 {
        world.agree(&klines("BTCUSDT", "1m", "&limit=3")).await;
        world.settle().await;
        world.advance(MINUTE);
    }
    let files = parquet_files(world.folder.path());
    assert!(files.len() <= 12, "{} files", files.len());
    let folder = world.stop().await;
    let world = World::at(folder, NOW + 40 * MINUTE, |_| {}).await;
    let window = format!("&startTime={}&endTime={}", NOW - 30 * SECOND, NOW + 37 * MINUTE);
    world.agree(&klines("BTCUSDT", "1m", &window)).await;
    assert_eq!(world.calls(), 1, "all of it is held");
}
