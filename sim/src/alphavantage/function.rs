//! What can be asked for.

use crate::tape::slots::Period;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Stock(Kind),
    /// Without a period, intraday.
    Forex(Option<Period>),
    Digital(Option<Period>),
    Quote,
    Search,
    Rate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Intraday,
    Raw(Period),
    Adjusted(Period),
}

impl Function {
    pub(super) fn read(name: &str) -> Option<Function> {
        use Function::{Digital, Forex, Stock};
        Some(match name {
            "TIME_SERIES_INTRADAY" => Stock(Kind::Intraday),
            "TIME_SERIES_DAILY" => Stock(Kind::Raw(Period::Day)),
            "TIME_SERIES_WEEKLY" => Stock(Kind::Raw(Period::Week)),
            "TIME_SERIES_MONTHLY" => Stock(Kind::Raw(Period::Month)),
            "TIME_SERIES_DAILY_ADJUSTED" => Stock(Kind::Adjusted(Period::Day)),
            "TIME_SERIES_WEEKLY_ADJUSTED" => Stock(Kind::Adjusted(Period::Week)),
            "TIME_SERIES_MONTHLY_ADJUSTED" => Stock(Kind::Adjusted(Period::Month)),
            "FX_INTRADAY" => Forex(None),
            "FX_DAILY" => Forex(Some(Period::Day)),
            "FX_WEEKLY" => Forex(Some(Period::Week)),
            "FX_MONTHLY" => Forex(Some(Period::Month)),
            "CRYPTO_INTRADAY" => Digital(None),
            "DIGITAL_CURRENCY_DAILY" => Digital(Some(Period::Day)),
            "DIGITAL_CURRENCY_WEEKLY" => Digital(Some(Period::Week)),
            "DIGITAL_CURRENCY_MONTHLY" => Digital(Some(Period::Month)),
            "GLOBAL_QUOTE" => Function::Quote,
            "SYMBOL_SEARCH" => Function::Search,
            "CURRENCY_EXCHANGE_RATE" => Function::Rate,
            _ => return None,
        })
    }

    pub(super) fn is_series(self) -> bool {
        matches!(self, Function::Stock(_) | Function::Forex(_) | Function::Digital(_))
    }
}

/// `Daily`, as it is called in names.
pub(super) fn title(period: Period) -> &'static str {
    match period {
        Period::Minutes(_) => "Intraday",
        Period::Day => "Daily",
        Period::Week => "Weekly",
        Period::Month => "Monthly",
    }
}
