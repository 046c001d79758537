//! Answers as text with holes.

use crate::Segment;
use crate::shape::{Kind, Table};

/// What stands in a hole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Hole {
    /// The symbol as a JSON string, or bare.
    Symbol,
    BareSymbol,
    /// Rows, or one column of them.
    Run(usize),
    /// Rows of the answer; and how many minutes or days they were put together from.
    Count,
    Scanned,
    /// A parameter of the request, or what holds where it names none.
    Variant(String),
    /// A member that was seen beside the rows, as JSON, and what stands there until it was seen.
    Fact(String, String),
    /// A hash that names the answer.
    Id,
    /// `,"member":"url"` where there is more, else nothing.
    Link,
    /// The token as a JSON string, or null.
    Token,
    /// The parts of an answer for several symbols.
    Members,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Text(&'static str),
    Hole(Hole),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template(Vec<Piece>);

impl Template {
    pub(super) fn parse(text: &str, table: &Table, kind: Kind) -> Result<Template, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            let (name, after) = behind.split_once('}').ok_or_else(|| format!("a hole has no end: {behind}"))?;
            pieces.push(Piece::Text(super::leaked(before)));
            pieces.push(Piece::Hole(hole(name, table, kind)?));
            rest = after;
        }
        pieces.push(Piece::Text(super::leaked(rest)));
        Ok(Template(pieces))
    }

    /// Filled: `fill` writes what is no run.
    pub(super) fn fill(&self, mut fill: impl FnMut(&Hole) -> String) -> Vec<Segment> {
        let piece = |piece: &Piece| match piece {
            Piece::Text(text) => Segment::Static(text),
            Piece::Hole(Hole::Run(run)) => Segment::Run(*run),
            Piece::Hole(hole) => Segment::Text(fill(hole).into()),
        };
        self.0.iter().map(piece).collect()
    }

    pub(super) fn pieces(&self) -> impl Iterator<Item = &Piece> {
        self.0.iter()
    }
}

fn hole(name: &str, table: &Table, kind: Kind) -> Result<Hole, String> {
    let column = || match kind {
        Kind::Columns => table.fields.iter().position(|field| field.name == name).map(Hole::Run),
        _ => None,
    };
    Ok(match name.split_once(':') {
        Some(("variant", name)) => Hole::Variant(name.to_owned()),
        Some(("fact", name)) => {
            let (name, default) = name.split_once('|').unwrap_or((name, "null"));
            Hole::Fact(name.to_owned(), default.to_owned())
        }
        Some(("bare", "symbol")) => Hole::BareSymbol,
        None if name == "rows" && kind != Kind::Columns => Hole::Run(0),
        None if name == "symbol" => Hole::Symbol,
        None if name == "count" => Hole::Count,
        None if name == "scanned" => Hole::Scanned,
        None if name == "id" => Hole::Id,
        None if name == "link" => Hole::Link,
        None if name == "token" => Hole::Token,
        None if name == "members" => Hole::Members,
        _ => column().ok_or_else(|| format!("nothing is known to stand in ${{{name}}}"))?,
    })
}
