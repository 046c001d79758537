//! What a client says of the age of its answer: the request directives of HTTP caching.

use crate::time::Ts;

/// Directives with the meanings of RFC 9111 §5.2.1 and RFC 5861 §4; times in milliseconds.
///
/// They speak of bars that are not final: a final bar does not age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Terms {
    /// The provider is asked, whatever is held.
    pub no_cache: bool,
    /// What is fetched is not kept.
    pub no_store: bool,
    /// The provider is not asked.
    pub only_if_cached: bool,
    pub max_age: Option<i64>,
    /// By how much a life may be exceeded.
    pub max_stale: Option<i64>,
    /// How much of its life has to be left.
    pub min_fresh: Option<i64>,
    /// How old an answer may be where the provider fails.
    pub stale_if_error: Option<i64>,
}

/// A directive that is none, or has no number of seconds where it needs one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no directive; there are no-cache, no-store, only-if-cached, max-age=SECONDS, max-stale[=SECONDS], \
     min-fresh=SECONDS and stale-if-error=SECONDS, with commas between"
)]
pub struct BadDirective(pub String);

/// `max-stale` without a number.
const ANY: i64 = i64::MAX / 4;

impl Terms {
    /// As a parameter has them: what is not understood is refused.
    pub fn parse(text: &str) -> Result<Terms, BadDirective> {
        let mut terms = Terms::default();
        for directive in text.split(',').map(str::trim).filter(|directive| !directive.is_empty()) {
            terms.take(directive).ok_or_else(|| BadDirective(directive.chars().take(40).collect()))?;
        }
        Ok(terms)
    }

    /// As a header has them: what is not understood is passed by, as RFC 9111 has it.
    pub fn of_header(text: &str) -> Terms {
        let mut terms = Terms::default();
        for directive in text.split(',').map(str::trim) {
            let _ = terms.take(directive);
        }
        terms
    }

    fn take(&mut self, directive: &str) -> Option<()> {
        let (name, value) = directive.split_once('=').map_or((directive, None), |(name, value)| (name, Some(value)));
        let seconds = |value: &str| {
            let digits = value.trim().trim_matches('"');
            let sound = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
            // A number too large for us means the same as the largest one.
            sound.then(|| digits.parse::<i64>().map_or(ANY, |s| s.saturating_mul(1_000).min(ANY)))
        };
        let number = || value.and_then(seconds);
        match (name.trim().to_ascii_lowercase().as_str(), value) {
            ("no-cache", None) => self.no_cache = true,
            ("no-store", None) => self.no_store = true,
            ("only-if-cached", None) => self.only_if_cached = true,
            ("max-stale", None) => self.max_stale = Some(ANY),
            ("max-age", _) => self.max_age = Some(number()?),
            ("max-stale", _) => self.max_stale = Some(number()?),
            ("min-fresh", _) => self.min_fresh = Some(number()?),
            ("stale-if-error", _) => self.stale_if_error = Some(number()?),
            _ => return None,
        }
        Some(())
    }

    /// These, and where they say nothing, the others.
    pub fn or(self, other: Terms) -> Terms {
        Terms {
            no_cache: self.no_cache || other.no_cache,
            no_store: self.no_store || other.no_store,
            only_if_cached: self.only_if_cached || other.only_if_cached,
            max_age: self.max_age.or(other.max_age),
            max_stale: self.max_stale.or(other.max_stale),
            min_fresh: self.min_fresh.or(other.min_fresh),
            stale_if_error: self.stale_if_error.or(other.stale_if_error),
        }
    }

    /// With a life that may be exceeded by so much, unless the client wants it otherwise.
    pub fn with_grace(self, grace: i64) -> Terms {
        let is_strict = self.no_cache || self.max_age.is_some() || self.min_fresh.is_some() || self.max_stale.is_some();
        if is_strict || grace <= 0 { self } else { Terms { max_stale: Some(grace), ..self } }
    }

    /// What they still ask for once the provider has answered: nothing fresher is to be had.
    pub fn met(self) -> Terms {
        Terms { no_cache: false, max_age: None, min_fresh: None, ..self }
    }

    /// Is a series seen as it would be without them?
    pub fn are_plain(&self) -> bool {
        !self.no_cache && self.max_age.is_none() && self.min_fresh.is_none() && self.grace() == 0
    }

    pub fn grace(&self) -> i64 {
        self.max_stale.unwrap_or(0)
    }

    /// Is what was fetched then and lives so long young enough?
    pub fn accept(&self, fetched_at: Ts, expires: Ts, now: Ts) -> bool {
        let young = self.max_age.is_none_or(|age| now.saturating_sub(fetched_at) <= age);
        let fresh = self.min_fresh.is_none_or(|fresh| expires.saturating_sub(now) >= fresh);
        !self.no_cache && young && fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_are_read_as_the_rfc_has_them() {
        let terms =
            Terms::parse("No-Cache, max-age=60,max-stale, min-fresh=\"5\", stale-if-error=0").expect("directives");
        let read = Terms {
            no_cache: true,
            max_age: Some(60_000),
            max_stale: Some(ANY),
            min_fresh: Some(5_000),
            stale_if_error: Some(0),
            ..Terms::default()
        };
        assert_eq!(terms, read);
        assert_eq!(Terms::parse("no-store,only-if-cached").map(|t| (t.no_store, t.only_if_cached)), Ok((true, true)));
        assert_eq!(Terms::parse("max-stale=99999999999999999999").map(|t| t.max_stale), Ok(Some(ANY)));
        assert_eq!(Terms::parse(""), Ok(Terms::default()));
        for bad in ["max-age", "max-age=", "max-age=-1", "max-age=1.5", "no-cache=1", "private", "max-age=a"] {
            assert_eq!(Terms::parse(bad), Err(BadDirective(bad.to_owned())));
            assert_eq!(Terms::of_header(bad), Terms::default(), "{bad}");
        }
        assert_eq!(Terms::of_header("private, max-age=0").max_age, Some(0));
    }

    #[test]
    fn age_freshness_and_grace_are_told_apart() {
        let (fetched_at, expires) = (1_000, 61_000);
        let accepts = |text: &str, now| Terms::parse(text).expect("directives").accept(fetched_at, expires, now);
        assert_eq!([accepts("max-age=5", 6_000), accepts("max-age=5", 6_001)], [true, false]);
        assert_eq!([accepts("min-fresh=10", 51_000), accepts("min-fresh=10", 51_001)], [true, false]);
        assert!(!accepts("no-cache", 1_000) && accepts("", 90_000));
        let strict = Terms { max_age: Some(0), ..Terms::default() };
        assert_eq!((strict.with_grace(7).grace(), Terms::default().with_grace(7).grace()), (0, 7));
        assert!(strict.met().are_plain() && !strict.are_plain());
        let both = Terms { max_stale: Some(1), ..Terms::default() }.or(strict);
        assert_eq!((both.max_stale, both.max_age), (Some(1), Some(0)));
    }
}
