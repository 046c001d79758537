//! Refusals of the unified API: RFC 9457.

use super::{Answer, AnswerBody, headers};
use finex_core::status::ErrorClass;
use finex_providers::Failure;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

/// A refusal with its slug, its status and the fix.
#[derive(Debug, Clone)]
pub struct Problem {
    pub slug: &'static str,
    pub title: &'static str,
    pub status: StatusCode,
    pub detail: String,
    pub retry_after: Option<u64>,
    pub more: Map<String, Value>,
}

impl Problem {
    pub fn new(slug: &'static str, title: &'static str, status: StatusCode, detail: impl Into<String>) -> Problem {
        Problem { slug, title, status, detail: detail.into(), retry_after: None, more: Map::new() }
    }

    /// A parameter at fault.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Problem {
        let detail = detail.into();
        let mut problem = Problem::new(
            "invalid-request",
            "A parameter is not valid",
            StatusCode::UNPROCESSABLE_ENTITY,
            detail.clone(),
        );
        problem.more.insert("errors".into(), json!([{ "parameter": name, "detail": detail }]));
        problem
    }

    pub fn not_found(detail: impl Into<String>) -> Problem {
        Problem::new("not-found", "There is nothing here", StatusCode::NOT_FOUND, detail)
    }

    /// What a provider's failure means to a client of the unified API.
    pub fn of(failure: &Failure, provider: &str) -> Problem {
        let (slug, title, status) = match failure.class {
            ErrorClass::Rate | ErrorClass::Quota => {
                ("quota-exceeded", "The provider's allowance is used up", StatusCode::TOO_MANY_REQUESTS)
            }
            ErrorClass::Auth | ErrorClass::Plan => {
                ("provider-rejected-credentials", "The provider refuses access", StatusCode::BAD_GATEWAY)
            }
            ErrorClass::NotFound => ("unknown-symbol", "The provider has no such symbol", StatusCode::NOT_FOUND),
            ErrorClass::OutOfWindow | ErrorClass::Bad => {
                ("invalid-request", "The provider cannot answer this", StatusCode::UNPROCESSABLE_ENTITY)
            }
            ErrorClass::Up if failure.timed_out => {
                ("provider-timeout", "The provider did not answer in time", StatusCode::GATEWAY_TIMEOUT)
            }
            ErrorClass::Up if failure.retry_after.is_some() => {
                ("provider-unavailable", "The provider is left alone for a moment", StatusCode::SERVICE_UNAVAILABLE)
            }
            ErrorClass::Up => ("provider-error", "The provider failed", StatusCode::BAD_GATEWAY),
        };
        let mut problem = Problem::new(slug, title, status, failure.detail.clone());
        problem.retry_after = failure.retry_after;
        problem.more.insert("provider".into(), provider.into());
        problem
    }

    pub fn answer(self) -> Answer {
        let mut body = self.more;
        body.insert("type".into(), format!("/problems/{}", self.slug).into());
        body.insert("title".into(), self.title.into());
        body.insert("status".into(), self.status.as_u16().into());
        body.insert("detail".into(), self.detail.into());
        if let Some(seconds) = self.retry_after {
            body.insert("retry_after_seconds".into(), seconds.into());
        }
        let mut answer = Answer::new(AnswerBody::from(Value::Object(body).to_string()));
        *answer.status_mut() = self.status;
        let head = answer.headers_mut();
        head.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers::uncached(head, "finex; fwd=bypass");
        if let Some(seconds) = self.retry_after {
            head.insert(header::RETRY_AFTER, seconds.into());
        }
        answer
    }
}

/// The nearest of `known` to what was written, for "did you mean".
pub fn nearest<'a>(written: &str, known: &[&'a str]) -> Option<&'a str> {
    let distance = |word: &&&str| edits(written, word);
    known.iter().min_by_key(distance).filter(|word| edits(written, word) <= 3).copied()
}

fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(64).enumerate() {
        let mut before = row[0];
        row[0] = i + 1;
        for j in 0..b.len() {
            let swap = before + usize::from(x != b[j]);
            before = row[j + 1];
            row[j + 1] = swap.min(before + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_named() {
        let known = ["start_time", "end_time", "interval", "limit"];
        assert_eq!(nearest("startTime", &known), Some("start_time"));
        assert_eq!(nearest("intervall", &known), Some("interval"));
        assert_eq!(nearest("colour", &known), None);
    }
}
