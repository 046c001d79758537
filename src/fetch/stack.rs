//! The outbound stack of a provider, outermost layer first.

use super::classify::ClassifyLayer;
use super::client::Client;
use super::guard::{BreakerLayer, RecheckLayer};
use super::hedge::HedgeLayer;
use super::limiter::{Limiter, LimiterLayer};
use super::retry::Policy;
use super::{Answer, Attempt, BoxError};
use crate::breaker::Breaker;
use crate::config;
use crate::observe::metrics::ProviderMetrics;
use finex_providers::Provider;
use std::sync::Arc;
use tower::ServiceBuilder;
use tower::util::BoxCloneSyncService;

pub type Stack = BoxCloneSyncService<Attempt, Answer, BoxError>;

pub fn build(
    provider: Arc<dyn Provider>,
    settings: &config::Provider,
    limiter: Arc<Limiter>,
    breaker: Breaker,
    metrics: ProviderMetrics,
) -> Result<Stack, reqwest::Error> {
    let client = Client::new(settings, provider.manifest().user_agent.as_deref())?;
    let stack = ServiceBuilder::new()
        // Nobody waits longer than this, however many attempts are left.
        .timeout(settings.timeout.total.0)
        // Outside the breaker, so that every attempt is judged; paid for by successes, so that a failing provider is
        // not asked more often than a healthy one.
        .retry(Policy::new(&settings.retry))
        // Inside retry, outside the limiter: an open circuit spends nothing.
        .layer(BreakerLayer::new(breaker.clone()))
        // Inside the breaker, which judges the two as one; outside the limiter, since both are paid for.
        .layer(HedgeLayer::new(limiter.clone(), metrics.hedged.clone()))
        // Waits for the provider's allowance, and learns from what its headers say.
        .layer(LimiterLayer::new(limiter))
        // Bounds calls under way, so that a slow provider does not take all connections.
        .concurrency_limit(settings.max_in_flight.max(1))
        // Who waited while the circuit opened is turned away.
        .layer(RecheckLayer::new(breaker.clone()))
        // Tells data from refusals; only data goes on as an answer.
        .layer(ClassifyLayer::new(provider, metrics))
        // One attempt, its body included.
        .timeout(settings.timeout.attempt.0)
        .service(client);
    Ok(BoxCloneSyncService::new(stack))
}
