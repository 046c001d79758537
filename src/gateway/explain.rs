//! What would be done for an ask, without doing it.

use super::{Gateway, Request};
use crate::plan;
use finex_core::plan::explain::Explanation;
use finex_providers::{Failure, Upstream};
use serde_json::{Value, json};

impl Gateway {
    /// The plan for an ask, with the requests it would make.
    pub fn explain(&self, request: &Request) -> Result<Value, Failure> {
        let now = (self.clock)();
        let cell = self.tiers.catalog.view(&request.series);
        let limits = self.limits(&request.series);
        let (Some(cell), Some(limits)) = (cell, limits) else {
            return Err(super::serve::unknown(&request.series.provider));
        };
        let asked = plan::asked(&cell, &cell.snapshot(), &request.ask, request.native, now);
        let explained = plan::explain(&cell, &asked.ask, &limits, now).map_err(|e| super::serve::refused(&e));
        let explained: Explanation = explained?;
        let requests: Vec<String> = explained
            .calls
            .iter()
            .map(|planned| {
                let Upstream { path, query } =
                    cell.provider.call(&cell.series, &planned.call, request.native.named, now);
                format!("GET {path}?{query}")
            })
            .collect();
        Ok(json!({
            "provider": request.series.provider.as_ref(),
            "symbol": request.series.symbol.as_ref(),
            "interval": request.series.interval.to_string(),
            "plan": explained,
            "requests": requests,
        }))
    }
}
