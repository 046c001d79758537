//! A disk that fails or was tampered with, and what is left afterwards.

use crate::world::*;
use crate::yahoo::chart;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// All files whose names end like this.
pub fn files(folder: &Path, end: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        match entry.path() {
            path if path.is_dir() => found.extend(files(&path, end)),
            path if path.to_string_lossy().ends_with(end) => found.push(path),
            _ => {}
        }
    }
    found.sort();
    found
}

const LEDGER: &str = "_coverage.json";

async fn narrow(folder: Arc<tempfile::TempDir>) -> World {
    let world = World::at(folder, NOW, |config| config.plan.widen = false).await;
    world.sim.yahoo().set_noise(false);
    world
}

fn days(symbol: &str, from: i64, to: i64, interval: &str) -> String {
    let at = |days: i64| NOW / 1_000 / 86_400 * 86_400 + days * 86_400;
    chart(symbol, &format!("period1={}&period2={}&interval={interval}&events=div,splits", at(from), at(to)))
}

/// Dividends, splits and the close before are no bars: they go with the files.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_ledger_charts_have_all_that_was_said_beside_their_bars() {
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    let world = narrow(folder).await;
    let mut asked =
        vec![days("AAPL", -430, -100, "1d"), days("AAPL", -60, -20, "1h"), days("7203.T", -900, -500, "1d")];
    for path in &asked {
        world.same_chart(path).await;
    }
    let folder = world.stop().await;
    for ledger in files(folder.path(), LEDGER) {
        fs::remove_file(ledger).expect("removed");
    }
    let world = narrow(folder).await;
    // Something else is said of the symbol before, so that no look at it is needed.
    world.same_chart(&days("AAPL", -2_000, -1_900, "1d")).await;
    world.same_chart(&days("7203.T", -2_000, -1_900, "1d")).await;
    // The first bars of the years, which are the first of files.
    asked.extend([days("AAPL", -430, -200, "1d"), days("AAPL", -428, -429 + 365, "1d"), days("AAPL", -50, -40, "1h")]);
    for path in &asked {
        world.same_chart(path).await;
    }
}

/// A file in the middle is lost, and an answer begins right behind it.
#[tokio::test(flavor = "multi_thread")]
async fn the_close_before_is_known_although_the_file_before_is_lost() {
    let world = narrow(Arc::new(tempfile::tempdir().expect("a folder"))).await;
    world.same_chart(&days("MSFT", -12_000, -30, "1d")).await;
    let snapshot = world.app.gateway.tiers.catalog.all().remove(0).snapshot();
    let [lost, first] = [0, 1].map(|i| snapshot.pieces[i].key.first / 1_000);
    let folder = world.stop().await;
    let is_lost = |path: &PathBuf| path.file_name().is_some_and(|n| n.to_string_lossy().starts_with(&lost.to_string()));
    let kept = files(folder.path(), ".parquet");
    fs::remove_file(kept.iter().find(|path| is_lost(path)).expect("its file")).expect("removed");
    let world = narrow(folder).await;
    let path = chart("MSFT", &format!("period1={first}&period2={}&interval=1d", first + 30 * 86_400));
    let straight = world.direct(&path).await.json();
    assert!(straight["chart"]["result"][0]["meta"]["chartPreviousClose"].is_number());
    let calls = world.calls();
    world.same_chart(&path).await;
    assert_eq!(world.calls(), calls + 1, "the straight one");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_did_not_take_is_written_once_it_takes_something() {
    let world = World::new().await;
    let in_the_way = world.folder.path().join("provider=binance");
    fs::write(&in_the_way, b"in the way").expect("a file in the way");
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        world.agree(&klines(symbol, "1h", "&startTime=1704067200000&limit=20")).await;
    }
    world.settle().await;
    assert_eq!(world.app.metrics.disk_behind.get(), 2);
    fs::remove_file(&in_the_way).expect("removed");
    world.agree(&klines("SOLUSDT", "1h", "&startTime=1704067200000&limit=20")).await;
    world.settle().await;
    assert_eq!(world.app.metrics.disk_behind.get(), 0);
    let symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT"];
    all_are_held(world, &symbols.map(|symbol| klines(symbol, "1h", "&startTime=1704067200000&limit=20"))).await;
}

async fn all_are_held(world: World, paths: &[String]) {
    let world = World::at(world.stop().await, NOW, |_| {}).await;
    for path in paths {
        world.agree(path).await;
    }
    assert_eq!(world.calls(), paths.len() as u64, "the straight ones");
}

/// Six series fail to be written, which is once more than the disk is tried in a row.
#[tokio::test(flavor = "multi_thread")]
async fn what_the_disk_did_not_take_is_written_although_nobody_asks() {
    let world = World::new().await;
    let in_the_way = world.folder.path().join("provider=binance");
    fs::write(&in_the_way, b"in the way").expect("a file in the way");
    let intervals = ["5m", "15m", "30m", "1h", "2h", "4h"];
    let paths = intervals.map(|interval| klines("BTCUSDT", interval, "&startTime=1704067200000&limit=20"));
    for path in &paths {
        world.agree(path).await;
    }
    world.settle().await;
    assert_eq!(world.app.metrics.disk_behind.get(), 6);
    let told = world.get("/api/v1/cache/stats").await.json()["levels"][1].clone();
    assert_eq!(told["breaker"]["state"], "open", "{told}");
    fs::remove_file(&in_the_way).expect("removed");
    for _ in 0..600 {
        if world.app.metrics.disk_behind.get() == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(world.app.metrics.disk_behind.get(), 0);
    all_are_held(world, &paths).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ledger_that_was_not_taken_is_written_later() {
    let world = World::new().await;
    world.agree(&klines("BTCUSDT", "1h", "&startTime=1704067200000&limit=20")).await;
    world.settle().await;
    let ledger = files(world.folder.path(), LEDGER).remove(0);
    fs::remove_file(&ledger).expect("removed");
    fs::create_dir(&ledger).expect("a folder in the way");
    world.agree(&klines("BTCUSDT", "1h", "&startTime=1614067200000&limit=20")).await;
    world.settle().await;
    assert_eq!(world.app.metrics.disk_behind.get(), 1);
    fs::remove_dir(&ledger).expect("removed");
    world.agree(&klines("SOLUSDT", "1h", "&startTime=1704067200000&limit=20")).await;
    world.settle().await;
    assert_eq!(world.app.metrics.disk_behind.get(), 0);
    assert!(ledger.is_file());
}

/// As after a correction that was interrupted: both files are whole, and no ledger names the second.
#[tokio::test(flavor = "multi_thread")]
async fn of_two_files_for_one_stretch_the_later_one_stands() {
    let ask = klines("BTCUSDT", "1h", "&startTime=1704067200000&limit=20");
    let mut folders = Vec::new();
    for later in [0, HOUR] {
        let world = World::at(Arc::new(tempfile::tempdir().expect("a folder")), NOW + later, |config| {
            config.plan.widen = false;
        });
        let world = world.await;
        world.agree(&ask).await;
        folders.push(world.stop().await);
    }
    let (early, late) =
        (files(folders[0].path(), ".parquet").remove(0), files(folders[1].path(), ".parquet").remove(0));
    let name = late.file_name().expect("a name");
    assert_ne!(early.file_name(), Some(name));
    fs::copy(&late, early.with_file_name(name)).expect("copied");
    let world = World::at(folders.remove(0), NOW + DAY, |_| {}).await;
    world.agree(&ask).await;
    assert_eq!(world.calls(), 1, "the straight one");
    let snapshot = world.app.gateway.tiers.catalog.all().remove(0).snapshot();
    assert_eq!(snapshot.pieces.iter().map(|piece| piece.fetched_at).collect::<Vec<_>>(), [NOW + HOUR]);
    assert_eq!(files(world.folder.path(), ".superseded").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_set_aside_is_swept_after_its_retention() {
    let world = World::new().await;
    world.agree(&hours(0, 10)).await;
    let folder = world.stop().await;
    let kept = files(folder.path(), ".parquet").remove(0);
    let day = Duration::from_secs(86_400);
    let aside = [("old", 91), ("young", 89)].map(|(name, days)| {
        let path = kept.with_file_name(format!("{name}.parquet.superseded"));
        fs::copy(&kept, &path).expect("copied");
        let file = File::options().append(true).open(&path).expect("opened");
        file.set_modified(SystemTime::now() - day * days).expect("dated");
        path
    });
    let temporary = kept.with_file_name(".1-0.tmp");
    fs::write(&temporary, b"half a file").expect("written");
    let world = World::at(folder, NOW, |_| {}).await;
    assert_eq!([aside[0].exists(), aside[1].exists(), temporary.exists()], [false, true, false]);
    world.agree(&hours(0, 10)).await;
    assert_eq!(world.calls(), 1, "the straight one");
}

/// A pipe would be waited for without end.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread")]
async fn odd_things_in_the_place_of_files_are_told_of_and_hang_nobody() {
    let pipe = |path: &Path| {
        let made = std::process::Command::new("mkfifo").arg(path).status().expect("mkfifo");
        assert!(made.success());
    };
    let open = |folder: &Path| {
        let registry = finex_providers::Registry::builtin(|_| {});
        finex::store::disk::Disk::open(folder, registry).map(drop).map_err(|error| error.to_string())
    };
    let folder = tempfile::tempdir().expect("a folder");
    pipe(&folder.path().join(".lock"));
    assert!(open(folder.path()).expect_err("refused").contains(".lock is no plain file"));
    fs::remove_file(folder.path().join(".lock")).expect("removed");
    fs::create_dir(folder.path().join(".lock")).expect("made");
    assert!(open(folder.path()).expect_err("refused").contains(".lock is no plain file"));
    let folder = Arc::new(tempfile::tempdir().expect("a folder"));
    pipe(&folder.path().join(".scope.secret"));
    let world = World::at(folder, NOW, |_| {}).await;
    world.agree(&hours(0, 10)).await;
}

/// A disk that fails again and again is not asked for a while; the provider is, and the answers are the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_fails_repeatedly_is_left_alone() {
    let small = |config: &mut finex::config::Config| {
        config.cache.fragment_size = finex::config::FragmentSize::Small;
        config.plan.widen = false;
    };
    let world = World::with(small).await;
    for day in 0..12 {
        world.agree(&hours(day * 24, day * 24 + 24)).await;
    }
    let world = World::at(world.stop().await, NOW, small).await;
    let mut aside = Vec::new();
    for path in files(world.folder.path(), ".parquet") {
        let bytes = fs::read(&path).expect("a file");
        fs::remove_file(&path).expect("removed");
        // What is a folder cannot be read as a file.
        fs::create_dir(&path).expect("a folder");
        aside.push((path, bytes));
    }
    assert_eq!(aside.len(), 12);
    let disk = async || world.get("/api/v1/cache/stats").await.json()["levels"][1].clone();
    for day in 0..5 {
        world.agree(&hours(day * 24, day * 24 + 24)).await;
    }
    world.settle().await;
    let told = disk().await;
    assert_eq!(told["breaker"]["state"], "open", "{told}");
    world.agree(&hours(5 * 24, 6 * 24)).await;
    world.settle().await;
    assert_eq!(disk().await["errors"], told["errors"], "it was left alone");
    for (path, bytes) in aside {
        fs::remove_dir(&path).expect("removed");
        fs::write(&path, bytes).expect("written");
    }
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    let calls = world.calls();
    assert!(world.get(&format!("/binance{}", hours(10 * 24, 11 * 24))).await.cache_status().ends_with("detail=L3"));
    assert_eq!((&disk().await["breaker"]["state"], world.calls()), (&"closed".into(), calls));
}
