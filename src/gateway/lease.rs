//! The right to go upstream for a window. One node grants it to itself; several will ask each other.

use crate::store::BoxFuture;
use std::sync::Arc;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NodeId(pub Arc<str>);

/// The right itself, given back when dropped.
pub struct Lease {
    _node: NodeId,
}

pub trait Leases: Send + Sync {
    fn node(&self) -> &NodeId;

    /// Waits for the right to do `work`.
    fn acquire<'a>(&'a self, work: &'a str) -> BoxFuture<'a, Lease>;
}

/// A node by itself.
pub struct Alone(NodeId);

impl Default for Alone {
    fn default() -> Self {
        Alone(NodeId("local".into()))
    }
}

impl Leases for Alone {
    fn node(&self) -> &NodeId {
        &self.0
    }

    fn acquire<'a>(&'a self, _work: &'a str) -> BoxFuture<'a, Lease> {
        let lease = Lease { _node: self.0.clone() };
        Box::pin(std::future::ready(lease))
    }
}
