//! Who answers in the place of a provider that fails: only who means the same by a bar, and only on the unified API, whose
//! answers name their provider.

use super::{Gateway, Request};
use crate::render::{Consensus, Piece, Served};
use finex_core::status::ErrorClass;
use finex_core::truth::agreement::{Bar, Bars, COMPARED, Comparison};
use finex_providers::{Failure, Provider};
use std::cmp::Reverse;
use std::sync::Arc;

/// Common bars of which so few agree are not the same bars: a split that one has not applied yet.
const SAME_BARS: f64 = 0.5;
const A_DAY: i64 = 86_400_000;

/// The better, the larger.
type Rank = (bool, usize, bool, bool, u64);

impl Gateway {
    /// Serves the first of several requests for the same bars that succeeds. The first one is preferred, whatever the others
    /// hold; where the client has named nobody, they are put in order first.
    pub async fn serve_any(&self, request: &Request, others: &[Request], named: bool) -> Result<Served, Failure> {
        let patience = self.patience;
        let any = async {
            let mut order: Vec<&Request> = others.iter().collect();
            if named {
                self.put_in_order(&mut order);
                order.insert(0, request);
            } else {
                order.insert(0, request);
                self.put_in_order(&mut order);
            }
            self.first_that_serves(request, &order).await
        };
        tokio::time::timeout(patience, any).await.unwrap_or_else(|_| Err(super::serve::late()))
    }

    async fn first_that_serves(&self, request: &Request, order: &[&Request]) -> Result<Served, Failure> {
        let mut failed: Option<(&Request, Failure)> = None;
        for candidate in order {
            let is_own = candidate.series == request.series;
            match self.serve(candidate).await {
                Ok(mut served) => {
                    if let Some((of, failure)) = &failed {
                        if !is_own && !self.means_the_same(request, candidate, &served) {
                            continue;
                        }
                        self.note_stand_in(of, failure, &mut served);
                    }
                    return Ok(served);
                }
                Err(failure) if is_own && !is_passing(&failure) => return Err(failure),
                // What was asked for says why there is no answer.
                Err(failure) if is_own || failed.is_none() => failed = Some((candidate, failure)),
                Err(_) => {}
            }
        }
        Err(failed.map_or_else(|| super::serve::unknown(&request.series.provider), |(_, failure)| failure))
    }

    fn note_stand_in(&self, request: &Request, failure: &Failure, served: &mut Served) {
        let (from, to) = (&request.series.provider, &served.cell.series.provider);
        if from == to {
            return;
        }
        served.journey.warnings.push(format!("{to} stands in for {from}, which failed: {}", failure.detail));
        if let Some(fetcher) = self.fetcher(to) {
            fetcher.metrics.stood_in.inc();
        }
    }

    /// Best first: who holds all of it, who holds most, who is well, who has allowance to spare, who has been good.
    fn put_in_order(&self, requests: &mut [&Request]) {
        requests.sort_by_key(|request| Reverse(self.rank(request)));
    }

    fn rank(&self, request: &Request) -> Rank {
        let Some(fetcher) = self.fetcher(&request.series.provider) else { return Rank::default() };
        let held = self.tiers.catalog.get(&request.series).map_or(0, |cell| {
            let parts = cell.snapshot().select(&request.ask);
            parts.iter().map(|part| part.rows.len()).sum()
        });
        let payer = request.credential.as_ref().and_then(|key| key.payer());
        let score = (fetcher.quality.shares().score() * 1e3) as u64;
        let all = held > 0 && self.serve_held(request).is_some();
        (all, held, fetcher.breaker.state() == "closed", fetcher.limiter.is_ample(payer), score)
    }

    /// Does an answer agree with what is held of the provider in whose place it is given, and has it the same currency?
    fn means_the_same(&self, request: &Request, other: &Request, served: &Served) -> bool {
        let Some(cell) = self.tiers.catalog.get(&request.series) else { return true };
        let known = |currency: &str| (!currency.is_empty() && currency != "own").then(|| currency.to_lowercase());
        let own = known(&cell.provider.currency(&cell.series, &cell.sight().envelope));
        let theirs = known(&served.cell.provider.currency(&served.cell.series, &served.sight.envelope));
        if own.is_some() && theirs.is_some() && own != theirs {
            return false;
        }
        let snapshot = cell.snapshot();
        let Some(pieces) = self.gather(&snapshot, &snapshot.select(&request.ask)) else { return true };
        let compared = Comparison::of(&bars(cell.provider.as_ref(), &pieces), &bars_of(served));
        self.note_comparison([request, other], &compared, false);
        compared.agreement().is_none_or(|share| share >= SAME_BARS)
    }

    /// Serves a request together with what another provider says of the same bars.
    pub async fn serve_compared(
        &self,
        request: &Request,
        others: &[Request],
    ) -> Result<(Served, Option<Served>), Failure> {
        let mut order: Vec<&Request> = others.iter().collect();
        self.put_in_order(&mut order);
        let second = async {
            let mut why = String::new();
            for other in order {
                match self.serve(other).await {
                    Ok(served) => return Ok((other, served)),
                    Err(failure) => why = format!("{}: {}", other.series.provider, failure.detail),
                }
            }
            Err(why)
        };
        let (first, second) = tokio::join!(self.serve(request), second);
        match (first, second) {
            (Ok(mut served), Ok((other, second))) => {
                let compared = Comparison::of(&bars_of(&served), &bars_of(&second));
                self.note_comparison([request, other], &compared, true);
                let providers = [request, other].map(|request| request.series.provider.clone());
                if compared.agreeing < compared.compared {
                    let (apart, of) = (compared.compared - compared.agreeing, compared.compared);
                    let [a, b] = &providers;
                    served.journey.warnings.push(format!("{a} and {b} differ in {apart} of {of} bars"));
                }
                served.journey.calls += second.journey.calls;
                served.journey.consensus = Some(Arc::new(Consensus { providers, compared }));
                Ok((served, Some(second)))
            }
            (Ok(mut served), Err(why)) => {
                served.journey.warnings.push(format!("there was nobody to compare with: {why}"));
                Ok((served, None))
            }
            (Err(failure), Ok((_, mut second))) if is_passing(&failure) => {
                self.note_stand_in(request, &failure, &mut second);
                second.journey.warnings.push("there was nobody to compare with".to_owned());
                Ok((second, None))
            }
            (Err(failure), _) => Err(failure),
        }
    }

    /// Completeness counts where both were asked for all of a window.
    fn note_comparison(&self, requests: [&Request; 2], compared: &Comparison, whole: bool) {
        let complete = compared.completeness().filter(|_| whole);
        for (i, request) in requests.into_iter().enumerate() {
            if let Some(fetcher) = self.fetcher(&request.series.provider) {
                fetcher.quality.compared(complete.map(|shares| shares[i]), compared.agreement());
            }
        }
    }
}

/// Is it the provider that could not answer, and might another one?
fn is_passing(failure: &Failure) -> bool {
    matches!(failure.class, ErrorClass::Up | ErrorClass::Rate | ErrorClass::Quota) && !failure.pass_on
}

fn bars_of(served: &Served) -> Bars {
    bars(served.cell.provider.as_ref(), &served.pieces)
}

/// Final bars with their numbers; what grows is another bar in every answer.
fn bars(provider: &dyn Provider, pieces: &[Piece]) -> Bars {
    let mut out = Bars::new();
    for piece in pieces.iter().filter(|piece| piece.is_final) {
        let series = &piece.fragment.key.series;
        let read = provider.reread(series, piece.fragment.rows()).unwrap_or_default();
        // Days open at another instant with each provider, and of one tape on the same date.
        let is_day = series.interval.nominal_len() == A_DAY;
        for row in piece.rows.clone() {
            let Some(open_time) = read.times.get(row).copied() else { continue };
            let values = COMPARED.map(|column| read.column(column).and_then(|texts| texts.value(row)));
            let key = if is_day { open_time.div_euclid(A_DAY) } else { open_time };
            out.insert(key, Bar { open_time, values });
        }
    }
    out
}
