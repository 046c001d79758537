//! CoinGecko.

use crate::facade::{Facade, Reply, Request};

#[derive(Debug, Default)]
pub(crate) struct CoinGecko;

impl Facade for CoinGecko {
    fn is_series(&self, _path: &str, _query: &str) -> bool {
        false
    }

    fn answer(&self, _request: &Request<'_>) -> Reply {
        Reply::new(404, "text/plain", "not found")
    }
}
