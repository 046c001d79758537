//! The cookie and the crumb without which Yahoo does not answer everything.

use super::Answer;
use crate::json::Params;
use http::HeaderMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

#[derive(Debug)]
pub(crate) struct Access {
    required: AtomicBool,
    generation: AtomicU64,
}

impl Default for Access {
    fn default() -> Access {
        Access { required: AtomicBool::new(true), generation: AtomicU64::new(1) }
    }
}

impl Access {
    pub(crate) fn require(&self, on: bool) {
        self.required.store(on, Ordering::SeqCst);
    }

    pub(crate) fn expire(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
    }

    fn cookie(&self) -> String {
        format!("A3=d=AQABBFNpbQ{}&S=AQAAAhsim", self.generation.load(Ordering::SeqCst))
    }

    /// Real ones too have characters that a query must escape.
    fn crumb(&self) -> String {
        format!("s1m.{}/Kq+w", self.generation.load(Ordering::SeqCst))
    }

    fn knows(&self, headers: &HeaderMap) -> bool {
        let cookie = self.cookie();
        let lines = headers.get_all("cookie").into_iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(';')).any(|pair| pair.trim() == cookie)
    }

    /// The refusal that whoever lacks cookie or crumb gets.
    pub(crate) fn refusal(&self, headers: &HeaderMap, params: &Params) -> Option<Answer> {
        let required = self.required.load(Ordering::SeqCst);
        let granted = self.knows(headers) && params.get("crumb") == Some(&self.crumb());
        (required && !granted).then(|| Answer::error("finance", 401, "Unauthorized", "Invalid Crumb"))
    }

    pub(crate) fn give_crumb(&self, headers: &HeaderMap) -> Answer {
        match self.knows(headers) {
            true => Answer::new(200, "text/plain;charset=utf-8", self.crumb()),
            false => Answer::error("finance", 401, "Unauthorized", "Invalid Cookie"),
        }
    }

    /// A web page: what matters is the cookie that comes with it.
    pub(crate) fn page(&self, status: u16) -> Answer {
        let page = "<!DOCTYPE html><html><head><title>Yahoo Finance</title></head><body></body></html>";
        let cookie = format!("{}; Path=/", self.cookie());
        let mut answer = Answer::new(status, "text/html; charset=utf-8", page.to_owned());
        answer.headers.push(("set-cookie", cookie));
        answer
    }
}
