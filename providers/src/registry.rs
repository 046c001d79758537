//! The providers that a gateway knows.

use crate::manifest::Manifest;
use crate::{Provider, alphavantage, binance, coingecko, described, twelvedata, yahoo};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Providers that need no code of their own.
const DESCRIBED: [&str; 5] = [
    include_str!("../polygon.toml"),
    include_str!("../tiingo.toml"),
    include_str!("../alpaca.toml"),
    include_str!("../finnhub.toml"),
    include_str!("../fred.toml"),
];

#[allow(clippy::expect_used, reason = "the manifests are compiled in and read by a test")]
fn described(text: &str, adjust: &dyn Fn(&mut Manifest)) -> described::Described {
    let mut manifest = Manifest::parse(text).expect("a built-in manifest is readable");
    adjust(&mut manifest);
    described::Described::new(manifest).expect("a built-in manifest is sound")
}

/// The providers that a gateway knows, by id.
#[derive(Clone, Default)]
pub struct Registry {
    providers: BTreeMap<String, Arc<dyn Provider>>,
}

impl Registry {
    /// Those built in, with manifests adjusted by `adjust`.
    pub fn builtin(adjust: impl Fn(&mut Manifest)) -> Registry {
        let mut registry = Registry::default();
        registry.add(Arc::new(alphavantage::AlphaVantage::new(&adjust)));
        registry.add(Arc::new(binance::Binance::new(&adjust)));
        registry.add(Arc::new(coingecko::CoinGecko::new(&adjust)));
        registry.add(Arc::new(twelvedata::TwelveData::new(&adjust)));
        registry.add(Arc::new(yahoo::Yahoo::new(&adjust)));
        for text in DESCRIBED {
            registry.add(Arc::new(described(text, &adjust)));
        }
        registry
    }

    pub fn add(&mut self, provider: Arc<dyn Provider>) {
        self.providers.insert(provider.manifest().id.clone(), provider);
    }

    pub fn get(&self, id: &str) -> Option<&Arc<dyn Provider>> {
        self.providers.get(id)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn Provider>> {
        self.providers.values()
    }
}
