//! Trouble on demand.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a faulty upstream does to a series request.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// Answers late.
    Slow(Duration),
    /// Never answers.
    Hang,
    /// Closes the connection without an answer.
    Reset,
    /// Another status, with its body; `retry_after` in seconds.
    Status { status: u16, content_type: &'static str, body: String, retry_after: Option<u64> },
    /// Half of the body, then the connection breaks.
    Cut,
    /// The body in small pieces, this long apart.
    Drip(Duration),
    /// A web page with status 200.
    Html,
    /// A `NaN` where a number should be.
    NanToken,
    /// Valid JSON of somebody else, with status 200.
    Foreign,
    /// A price as a number instead of a text.
    WrongType,
    /// Each row twice.
    Duplicated,
    /// Newest first.
    Reversed,
    /// One row with its high below its low.
    Implausible,
    /// The right rows of another interval.
    OtherInterval,
    /// A redirect to somewhere else.
    Redirect(String),
    /// A body without end.
    Endless,
}

impl Fault {
    /// A refusal as Binance writes it.
    pub fn refusal(status: u16, code: i64, msg: &str, retry_after: Option<u64>) -> Fault {
        let body = format!("{{\"code\":{code},\"msg\":\"{msg}\"}}");
        Fault::Status { status, content_type: "application/json;charset=UTF-8", body, retry_after }
    }

    pub fn status(status: u16) -> Fault {
        Fault::Status { status, content_type: "text/html", body: "<html>sorry</html>".into(), retry_after: None }
    }
}

/// Which faults are due. The first one that still has times left applies.
#[derive(Debug, Default)]
pub struct Faults(Mutex<Vec<(Fault, usize)>>);

impl Faults {
    /// The next `times` series requests suffer `fault`.
    pub fn inject(&self, fault: Fault, times: usize) {
        self.lock().push((fault, times));
    }

    /// Every series request suffers `fault` until [`Faults::clear`].
    pub fn always(&self, fault: Fault) {
        self.inject(fault, usize::MAX);
    }

    pub fn clear(&self) {
        self.lock().clear();
    }

    pub(crate) fn take(&self) -> Option<Fault> {
        let mut due = self.lock();
        let (fault, times) = due.first_mut()?;
        let fault = fault.clone();
        *times = if *times == usize::MAX { *times } else { *times - 1 };
        due.retain(|(_, times)| *times > 0);
        Some(fault)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(Fault, usize)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
