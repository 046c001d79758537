//! Bounded retries: only where another attempt can help, and only as many as successes have paid for.

use super::{Answer, Attempt, BoxError, FetchError};
use crate::config;
use finex_core::status::ErrorClass;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tower::retry::budget::{Budget, TpsBudget};

/// A provider that asks for a longer pause than this is not waited for.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
/// Successes pay for retries within this time.
const MEMORY: Duration = Duration::from_secs(10);

#[derive(Clone)]
pub struct Policy {
    budget: Arc<TpsBudget>,
    left: u32,
    pause: Duration,
}

impl Policy {
    pub fn new(settings: &config::Retry) -> Policy {
        let share = settings.budget.clamp(0.0, 1.0) as f32;
        Policy { budget: Arc::new(TpsBudget::new(MEMORY, 0, share)), left: settings.max, pause: settings.base.0 }
    }

    fn pause_before_next(&mut self, retry_after: Option<u64>) -> Option<Duration> {
        let asked = retry_after.map(Duration::from_secs);
        if self.left == 0 || asked.is_some_and(|pause| pause > LONGEST_PAUSE) || !self.budget.withdraw() {
            return None;
        }
        self.left -= 1;
        let jittered = self.pause.mul_f64(0.5 + fastrand::f64());
        self.pause *= 2;
        Some(asked.unwrap_or_default().max(jittered))
    }
}

impl tower::retry::Policy<Attempt, Answer, BoxError> for Policy {
    type Future = std::pin::Pin<Box<dyn Future<Output = ()> + Send>>;

    fn retry(&mut self, attempt: &mut Attempt, result: &mut Result<Answer, BoxError>) -> Option<Self::Future> {
        let failure = match result {
            Ok(_) => {
                self.budget.deposit();
                return None;
            }
            // An attempt that took its whole time is not worth another one.
            Err(error) => match error.downcast_ref::<FetchError>() {
                Some(FetchError(failure)) if !failure.timed_out => failure,
                _ => return None,
            },
        };
        let status = failure.native.as_ref().map(|(status, _)| *status);
        let passing = failure.class == ErrorClass::Up && matches!(status, None | Some(502..=504));
        // What the breaker or the limiter refuse was not even tried.
        if !passing || (status.is_none() && failure.retry_after.is_some()) {
            return None;
        }
        let pause = self.pause_before_next(failure.retry_after)?;
        attempt.trouble.tell();
        Some(Box::pin(tokio::time::sleep(pause)))
    }

    fn clone_request(&mut self, attempt: &Attempt) -> Option<Attempt> {
        Some(attempt.clone())
    }
}
