//! Events become log lines and counts; feeds and audits will listen here too.

use super::metrics::Metrics;
use finex_core::event::Event;
use std::sync::Arc;

#[derive(Clone)]
pub struct Events {
    metrics: Arc<Metrics>,
}

impl Events {
    pub fn new(metrics: Arc<Metrics>) -> Self {
        Events { metrics }
    }

    pub fn tell(&self, event: Event) {
        match &event {
            Event::Stored { key, rows, bytes, .. } => tracing::debug!(%key, rows, bytes, "stored"),
            Event::Invalidated { series, fragments, reason, .. } => {
                self.metrics.invalidations.inc();
                tracing::info!(symbol = %series.symbol, fragments, reason, "invalidated");
            }
            Event::NewBasis { series, basis } => tracing::info!(symbol = %series.symbol, basis, "new basis"),
            Event::Corrected { series, bars } => {
                self.metrics.corrected_bars.inc_by(*bars as u64);
                tracing::warn!(symbol = %series.symbol, bars, "corrected");
            }
            Event::Quarantined { series, bars, rule } => {
                self.metrics.rejected_bars.inc_by(*bars as u64);
                tracing::warn!(symbol = %series.symbol, bars, rule, "set apart");
            }
            Event::Called { provider, rows, cost, millis } => {
                tracing::debug!(%provider, rows, cost, millis, "called");
            }
            Event::Refused { provider, class, detail } => {
                tracing::warn!(%provider, class = class.name(), detail, "refused");
            }
            Event::Pressed { level, bytes, budget } => {
                let advice = "a tier is full: what is wanted least leaves it";
                tracing::warn!(tier = ?level, bytes, budget, "{advice}");
            }
            Event::Dropped { key, why } => {
                self.metrics.dropped_fragments.inc();
                tracing::error!(%key, why, "fragment dropped");
            }
        }
    }
}
