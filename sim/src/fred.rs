//! Fred.

use crate::facade::{Facade, Reply, Request};

#[derive(Debug, Default)]
pub(crate) struct Fred;

impl Facade for Fred {
    fn is_series(&self, _path: &str, _query: &str) -> bool {
        false
    }

    fn answer(&self, _request: &Request<'_>) -> Reply {
        Reply::new(404, "text/plain", "not found")
    }
}
