//! The command line, as its readers run it.

use std::process::{Command, Output};

fn finex(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a folder");
    let mut command = Command::new(env!("CARGO_BIN_EXE_finex"));
    command.args(arguments).current_dir(folder.path()).env("XDG_DATA_HOME", folder.path());
    command.envs(environment.iter().copied()).output().expect("finex runs")
}

fn printed(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn the_demo_shows_a_cold_call_a_hit_and_a_partial() {
    let shown = finex(&["demo", "--once", "--listen", "127.0.0.1:0"], &[]);
    let text = printed(&shown);
    assert!(shown.status.success(), "{text}{}", String::from_utf8_lossy(&shown.stderr));
    for expected in ["SIMULATED", "fwd=uri-miss", "finex; hit", "fwd=partial", " saved."] {
        assert!(text.contains(expected), "{expected} is not in\n{text}");
    }
}

#[test]
fn explain_prints_a_plan_from_an_empty_configuration() {
    let url = "/binance/api/v3/klines?symbol=BTCUSDT&interval=1h&startTime=1704067200000&endTime=1704153600000";
    let explained = finex(&["explain", url], &[]);
    let plan: serde_json::Value = serde_json::from_str(&printed(&explained)).expect("JSON");
    assert_eq!(plan["plan"]["bars_missing"], 25);
    assert_eq!(plan["requests"].as_array().map(Vec::len), Some(1));
    assert!(!finex(&["explain", "/nowhere"], &[]).status.success());
}

#[test]
fn a_configuration_that_cannot_be_used_is_told_and_ends_with_78() {
    let wrong = finex(&["check"], &[("FINEX_CACHE__L1__MAX_MEM", "1GiB")]);
    assert_eq!(wrong.status.code(), Some(78));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("max_mem"));
    let right = finex(&["check"], &[("FINEX_CACHE__L1__MAX_MEMORY", "1GiB"), ("FINEX_ADMIN__TOKEN", "CANARY")]);
    assert!(printed(&right).contains("max_memory = \"1GiB\"") && !printed(&right).contains("CANARY"));
    let unknown = finex(&["up"], &[("FINEX_PROVIDERS__NOBODY__ENABLED", "true")]);
    assert!(!unknown.status.success());
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("nobody"));
}

/// With the user's key and without regard to the allowances that are known.
#[tokio::test(flavor = "multi_thread")]
async fn a_probe_shows_what_a_provider_allows() {
    let world = crate::world::World::new().await;
    world.sim.account("finnhub").expect("an account").set_quota(12);
    let (yahoo, finnhub) = (world.sim.url(), format!("{}/finnhub", world.sim.url()));
    let probe = move |arguments: &'static [&'static str]| {
        let environment = [
            ("FINEX_PROVIDERS__FINNHUB__BASE_URL".to_owned(), finnhub.clone()),
            ("FINEX_PROVIDERS__FINNHUB__API_KEY".to_owned(), "a-key-of-mine".to_owned()),
            ("FINEX_PROVIDERS__BINANCE__BASE_URL".to_owned(), yahoo.clone()),
        ];
        tokio::task::spawn_blocking(move || {
            let environment: Vec<(&str, &str)> = environment.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            finex(arguments, &environment)
        })
    };
    let refused = probe(&["probe", "finnhub", "--calls", "100"]).await.expect("it ran");
    let text = printed(&refused);
    assert!(refused.status.success(), "{text}");
    assert!(text.contains("429  rate") && text.contains("refused after 12 calls"), "{text}");
    assert!(text.contains("[providers.finnhub.limits]\n\"calls-1") && text.contains("\" = 12\n"), "{text}");
    assert!(!text.contains("a-key-of-mine"));
    let fine = probe(&["probe", "binance", "--calls", "3"]).await.expect("it ran");
    let text = printed(&fine);
    assert!(text.contains("x-mbx-used-weight-1m: 3") && text.contains("were not refused"), "{text}");
    assert!(!probe(&["probe", "nobody"]).await.expect("it ran").status.success());
}
