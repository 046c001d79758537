//! Holds the house to the table of layers in ARCHITECTURE.md.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Rows from the top; a module imports only from rows below its own.
const ROWS: [&[&str]; 11] = [
    &["main"],
    &["cli"],
    &["app"],
    &["edge"],
    &["route"],
    &["gateway", "admin"],
    &["plan", "render"],
    &["fetch", "store"],
    &["frame", "breaker"],
    &["observe", "secure", "config"],
    &["lasting"],
];

/// Within the lowest row: logs and guards read their settings, which stand beside what they configure.
const BESIDE: [(&str, &str); 2] = [("observe", "config"), ("secure", "config")];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
    found
}

fn module_of(path: &Path) -> String {
    let inside = path.strip_prefix(root().join("src")).expect("in src");
    let first = inside.components().next().expect("a part").as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

fn row(module: &str) -> Option<usize> {
    ROWS.iter().position(|row| row.contains(&module))
}

/// Modules named behind `crate::` (or `finex::` in main).
fn imports(text: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for prefix in ["crate::", "finex::"] {
        for (at, _) in text.match_indices(prefix) {
            let rest = &text[at + prefix.len()..];
            let inner = rest.strip_prefix('{').map_or(rest, |list| list);
            let name: String = inner.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
            found.insert(name);
        }
    }
    found
}

#[test]
fn modules_import_only_downward() {
    let mut wrong = Vec::new();
    for path in sources(&root().join("src")) {
        let module = module_of(&path);
        if module == "lib" {
            continue;
        }
        let own = row(&module).unwrap_or_else(|| panic!("{module} stands in no row"));
        for name in imports(&fs::read_to_string(&path).expect("a file")) {
            let Some(other) = row(&name) else { continue };
            let beside = BESIDE.contains(&(module.as_str(), name.as_str()));
            if name != module && other <= own && !beside {
                wrong.push(format!("{} imports {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_frame_names_polars_and_only_the_core_is_pure() {
    for path in sources(&root().join("src")) {
        let names = fs::read_to_string(&path).expect("a file").contains("polars::");
        assert!(!names || module_of(&path) == "frame", "{} names polars", path.display());
    }
    let forbidden = ["tokio", "hyper", "reqwest", "polars", "std::fs", "std::net", "SystemTime", "Instant::now"];
    for member in ["core", "providers"] {
        for path in sources(&root().join(member).join("src")) {
            let text = fs::read_to_string(&path).expect("a file");
            let named: Vec<&&str> = forbidden.iter().filter(|word| text.contains(**word)).collect();
            assert!(named.is_empty(), "{} names {named:?}", path.display());
        }
    }
    let sim = fs::read_to_string(root().join("sim/Cargo.toml")).expect("a manifest");
    assert!(!sim.contains("finex-providers"), "a simulator that shares codecs with the gateway proves nothing");
}

#[test]
fn files_stay_readable() {
    for folder in ["src", "core/src", "providers/src", "sim/src"] {
        for path in sources(&root().join(folder)) {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            assert!(name != "mod.rs" && name != "utils.rs", "{}", path.display());
            let lines = fs::read_to_string(&path).expect("a file").lines().count();
            assert!(lines <= 500, "{} has {lines} lines", path.display());
        }
    }
}

#[test]
fn time_and_environment_are_read_in_one_place_each() {
    for path in sources(&root().join("src")) {
        let text = fs::read_to_string(&path).expect("a file");
        let module = module_of(&path);
        assert!(!text.contains("SystemTime::now") || module == "observe", "{} reads the clock", path.display());
        let environment = text.contains("env::vars") || text.contains("env::var_os") || text.contains("env::var(");
        assert!(!environment || matches!(module.as_str(), "cli" | "app" | "observe"), "{}", path.display());
    }
}

/// What a client may rely on is proved by tests that there are.
#[test]
fn every_rule_names_tests_that_exist() {
    let text = fs::read_to_string(root().join("docs/SEMANTICS.md")).expect("the rules");
    let folders = ["src", "tests/it", "core", "providers"];
    let code: String = folders
        .iter()
        .flat_map(|folder| sources(&root().join(folder)))
        .map(|path| fs::read_to_string(path).expect("a source"))
        .collect();
    let rows = text.lines().filter(|line| line.starts_with("Proved by") || line.starts_with("| "));
    let named: Vec<&str> = rows.flat_map(|line| line.split('`').skip(1).step_by(2)).filter(|n| n.len() > 24).collect();
    assert!(named.len() > 80, "{}", named.len());
    let missing: Vec<&str> = named.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
