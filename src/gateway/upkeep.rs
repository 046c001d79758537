//! What is put in order on disk although nobody asks for anything.

use super::Gateway;
use std::time::Duration;

/// How often it is looked for what the disk did not take; the longer it fails, the more seldom.
const LOOK: Duration = Duration::from_secs(1);
const SELDOM: Duration = Duration::from_secs(60);

impl Gateway {
    /// Gives up what the disk holds beyond its budget; a start does not wait for it.
    pub fn keep_within_budget(&self) {
        let Some(gateway) = self.me.upgrade() else { return };
        self.tasks.spawn(async move { gateway.tiers.keep_within_budget().await });
    }

    /// Writes what the disk did not take once it takes something again, as long as there is a gateway.
    pub fn watch_disk(&self) {
        let gateway = self.me.clone();
        tokio::spawn(async move {
            let mut pause = LOOK;
            loop {
                tokio::time::sleep(pause).await;
                let Some(gateway) = gateway.upgrade() else { return };
                // The end waits for an attempt that is under way: nothing holds the folder after that.
                let tasks = gateway.tasks.clone();
                let attempt = tasks.spawn(async move { gateway.tiers.catch_up(|cell| gateway.span(cell)).await });
                pause = if attempt.await.unwrap_or(false) { LOOK } else { (pause * 2).min(SELDOM) };
            }
        });
    }
}
