//! What the simulated FRED promises, seen through its answers.

use super::*;
use crate::facade::Account;
use crate::stocks::Stocks;
use http::HeaderMap;
use serde_json::Value;

/// 2024-08-01T18:00Z, a Thursday.
const NOW: i64 = 1_722_535_200_000;
const KEY: &str = "0123456789abcdef0123456789abcdef";

#[derive(Default)]
struct Sim {
    account: Account,
    stocks: Stocks,
    headers: HeaderMap,
}

impl Sim {
    fn raw(&self, path: &str, query: &str, now: i64) -> Reply {
        let (account, stocks, headers) = (&self.account, &self.stocks, &self.headers);
        Fred.answer(&Request { path, query, headers, now, base: "http://sim", account, stocks })
    }

    fn get(&self, path: &str, query: &str) -> Reply {
        self.raw(path, &format!("api_key={KEY}&{query}"), NOW)
    }

    fn rows(&self, query: &str) -> Vec<(String, String)> {
        let body = self.get("/fred/series/observations", &format!("file_type=json&{query}")).body;
        let body: Value = serde_json::from_str(&body).expect("JSON");
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let rows = body["observations"].as_array().expect("rows");
        rows.iter().map(|row| (text(&row["date"]), text(&row["value"]))).collect()
    }
}

#[test]
fn bodies_as_recorded() {
    let sim = Sim::default();
    let asked = "series_id=GDP&observation_start=2024-01-01&observation_end=2024-03-31";
    let json = sim.get("/fred/series/observations", &format!("{asked}&file_type=json"));
    let head = "{\"realtime_start\":\"2024-08-01\",\"realtime_end\":\"2024-08-01\",\"observation_start\":\"2024-01-01\",\
                \"observation_end\":\"2024-03-31\",\"units\":\"lin\",\"output_type\":1,\"file_type\":\"json\",\
                \"order_by\":\"observation_date\",\"sort_order\":\"asc\",\"count\":1,\"offset\":0,\"limit\":100000,\
                \"observations\":[{\"realtime_start\":\"2024-08-01\",\"realtime_end\":\"2024-08-01\",\
                \"date\":\"2024-01-01\",\"value\":\"";
    assert!(json.body.starts_with(head), "{}", json.body);
    let xml = sim.get("/fred/series/observations", asked);
    assert_eq!(xml.content_type, "text/xml; charset=UTF-8");
    let row = "  <observation realtime_start=\"2024-08-01\" realtime_end=\"2024-08-01\" date=\"2024-01-01\" value=\"2";
    assert!(xml.body.starts_with("<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<observations realtime_start="));
    assert!(xml.body.contains(row) && xml.body.ends_with("\"/>\n</observations>\n"), "{}", xml.body);
}

#[test]
fn a_missing_value_is_a_dot() {
    let sim = Sim::default();
    let rows = sim.rows("series_id=DGS10&observation_start=2024-06-18&observation_end=2024-06-24");
    let dates: Vec<&str> = rows.iter().map(|(date, _)| date.as_str()).collect();
    assert_eq!(dates, ["2024-06-18", "2024-06-19", "2024-06-20", "2024-06-21", "2024-06-24"]);
    assert_eq!(rows.iter().filter(|(_, value)| value == ".").count(), 1);
    assert_eq!(rows[1].1, ".");
}

#[test]
fn what_is_not_published_yet_is_not_shown() {
    let sim = Sim::default();
    let last = |id: &str| sim.rows(&format!("series_id={id}&sort_order=desc&limit=1"))[0].0.clone();
    assert_eq!(last("DGS10"), "2024-07-31");
    assert_eq!(last("UNRATE"), "2024-06-01");
    assert_eq!(last("GDP"), "2024-04-01");
    assert_eq!(last("GNPCA"), "2023-01-01");
}

#[test]
fn pages_units_and_order() {
    let sim = Sim::default();
    let all = sim.rows("series_id=UNRATE&observation_start=2023-01-01");
    assert_eq!(sim.rows("series_id=unrate&observation_start=2023-01-01&limit=3&offset=4"), all[4..7]);
    let mut back = sim.rows("series_id=UNRATE&observation_start=2023-01-01&sort_order=desc");
    back.reverse();
    assert_eq!(back, all);
    let number = |text: &str| text.parse::<f64>().expect("a number");
    let change = sim.rows("series_id=UNRATE&observation_start=2023-01-01&units=chg");
    assert!((number(&change[1].1) - (number(&all[1].1) - number(&all[0].1))).abs() < 1e-9);
    let year = sim.rows("series_id=UNRATE&observation_start=2024-01-01&units=pc1");
    assert!((number(&year[0].1) - (number(&all[12].1) / number(&all[0].1) - 1.0) * 100.0).abs() < 1e-4);
    assert_eq!(sim.rows("series_id=GNPCA&units=pch")[0].1, ".");
    assert_eq!(sim.get("/fred/series/observations", "series_id=GDP&units=odd").status, 400);
}

#[test]
fn series_are_described_and_found() {
    let sim = Sim::default();
    let body: Value =
        serde_json::from_str(&sim.get("/fred/series", "series_id=DGS10&file_type=json").body).expect("JSON");
    let about = &body["seriess"][0];
    assert_eq!((&about["frequency_short"], &about["observation_end"]), (&"D".into(), &"2024-07-31".into()));
    assert_eq!(sim.get("/series", "series_id=GDP").body, sim.get("/fred/series", "series_id=GDP").body);
    assert_eq!(about["last_updated"], "2024-08-01 07:31:02-05");
    let xml = sim.get("/fred/series", "series_id=SP500").body;
    assert!(
        xml.contains("<seriess ") && xml.contains("  <series id=\"SP500\"") && xml.contains("S&amp;P 500"),
        "{xml}"
    );
    let found = sim.get("/fred/series/search", "search_text=gross+product&file_type=json").body;
    assert_eq!(serde_json::from_str::<Value>(&found).expect("JSON")["count"], 2);
}

#[test]
fn refusals_as_recorded() {
    let sim = Sim::default();
    let unknown = sim.get("/fred/series/observations", "series_id=NONE&file_type=json");
    let message = "{\"error_code\":400,\"error_message\":\"Bad Request.  The series does not exist.\"}";
    assert_eq!((unknown.status, unknown.body.as_str()), (400, message));
    let short = sim.raw("/fred/series", "series_id=GDP&api_key=short", NOW);
    let start = "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<error code=\"400\" message=\"Bad Request.  The value for variable \
                 api_key is not a 32 character";
    assert!(short.status == 400 && short.body.starts_with(start), "{}", short.body);
    assert!(sim.raw("/fred/series", "series_id=GDP", NOW).body.contains("Variable api_key is not set."));
    sim.account.require_key("another");
    assert!(sim.get("/fred/series", "series_id=GDP").body.contains("is not registered"));
    sim.account.require_key(KEY);
    sim.account.set_quota(1);
    assert_eq!(sim.get("/fred/series", "series_id=GDP").status, 429);
}
