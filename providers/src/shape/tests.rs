use super::*;
use crate::rows::Order;
use proptest::prelude::*;

fn table(specs: &[&str], quoted: bool, unit: Unit) -> Table {
    let specs: Vec<String> = specs.iter().map(|spec| (*spec).to_owned()).collect();
    let fields = Table::fields(&specs).expect("fields");
    Table { fields, quoted, unit, zone: TimeZone::UTC, opens: as_it_is, label: as_it_is }
}

fn whole(runs: &crate::rows::Runs, run: usize) -> String {
    String::from_utf8_lossy(&runs.slice(run, 0, runs.len())).into_owned()
}

#[test]
fn records_come_back_as_they_were() {
    let table = table(&["t:time", "o:open", "v:volume", "vw:vwap?"], false, Unit::Millis);
    let body = r#"[{"t":60000,"o":1.50,"v":8.3484e+06,"vw":1.2},{"t":120000,"o":2,"v":7}]"#;
    let bars = records::read(&table, body).expect("bars");
    assert_eq!(format!("[{}]", whole(&records::write(&table, &bars, Order::OldestFirst, 40), 0)), body);
    let newest = records::write(&table, &bars, Order::NewestFirst, 40);
    assert!(whole(&newest, 0).starts_with(r#"{"t":120000"#));
    assert_eq!(records::read(&table, &format!("[{}]", whole(&newest, 0))), Ok(bars));
}

#[test]
fn what_could_not_be_given_back_is_foreign_and_what_is_no_data_is_refused() {
    let table = table(&["t:time", "o:open", "vw:vwap?"], false, Unit::Millis);
    let read = |body: &str| records::read(&table, body).expect_err("refused");
    assert!(read(r#"[{"t":1,"o":2,"otc":true}]"#).foreign);
    assert!(read(r#"[{"t":1,"o":2,"vw":null}]"#).foreign);
    for bad in [
        r#"[{"t":1}]"#,
        r#"[{"o":1}]"#,
        r#"[{"t":1,"o":"2"}]"#,
        r#"[{"t":1,"o":NaN}]"#,
        r#"[{"t":"x","o":2}]"#,
        "{}",
        "[[1,2]]",
        r#"[{"t":1e30,"o":2}]"#,
    ] {
        assert!(!read(bad).foreign, "{bad}");
    }
}

#[test]
fn rows_columns_and_keyed_come_back_as_they_were() {
    let bare = table(&["t:time", "o:open", "c:close"], false, Unit::Seconds);
    let body = "[[60,1.0,2],[120,3e-7,null]]";
    let bars = rows::read(&bare, body).expect("bars");
    assert_eq!(format!("[{}]", whole(&rows::write(&bare, &bars, Order::OldestFirst, 40), 0)), body);

    let runs = columns::write(&bare, &bars, Order::OldestFirst);
    assert_eq!([whole(&runs, 0), whole(&runs, 1), whole(&runs, 2)], ["60,120", "1.0,3e-7", "2,null"]);
    assert_eq!(columns::reread(&bare, &runs), Ok(bars));
    assert!(columns::read(&bare, r#"{"t":[1,2],"o":[1],"c":[1,2]}"#).is_err());

    let quoted = table(&["label:time", "1. open:open", "5. volume:volume"], true, Unit::Date);
    let body =
        r#"{"2024-03-05":{"1. open":"185.6400","5. volume":"12"},"2024-03-04":{"1. open":"1.0000","5. volume":"3"}}"#;
    let bars = keyed::read(&quoted, body).expect("bars");
    assert!(bars.times[0] < bars.times[1]);
    let runs = keyed::write(&quoted, &bars, Order::NewestFirst, 40, keyed::Layout::default());
    assert_eq!(format!("{{{}}}", whole(&runs, 0)), body);
    assert_eq!(keyed::reread(&quoted, &runs), Ok(bars.clone()));
    let lines = csv::Lines { delimiter: ';', carriage_return: true, unit: Unit::Date };
    let text = whole(&csv::write(&quoted, lines, &bars, Order::NewestFirst, 40), 0);
    assert_eq!(text, "2024-03-05;185.6400;12\r\n2024-03-04;1.0000;3\r");
}

proptest! {
    #[test]
    fn no_body_makes_a_reader_panic(body in any::<String>(), cut in 0usize..80) {
        let table = table(&["t:time", "o:open", "vw:vwap?"], false, Unit::Iso);
        let near = r#"{"t":["2024-03-05T14:30:00.000Z"],"o":[1.5],"x":{"o":1}}"#;
        for text in [body.as_str(), &near[..cut.min(near.len())], near] {
            let _ = (records::read(&table, text), rows::read(&table, text), columns::read(&table, text), keyed::read(&table, text));
        }
    }
}
