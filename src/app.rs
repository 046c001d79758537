//! The composition root: the one place that names every plane.

use crate::config::{self, Config, DiskKind};
use crate::edge::listener::{Listening, listen};
use crate::fetch::Fetcher;
use crate::gateway::Gateway;
use crate::gateway::lease::Alone;
use crate::gateway::schedule::Schedule;
use crate::gateway::spent::SpentFile;
use crate::observe::clocks::Clocks;
use crate::observe::events::Events;
use crate::observe::metrics::Metrics;
use crate::route::Router;
use crate::secure::ScopeNames;
use crate::store::catalog::Catalog;
use crate::store::disk::Disk;
use crate::store::memory::Memory;
use crate::store::tiers::Tiers;
use finex_core::time::Clock;
use finex_providers::Registry;
use finex_providers::described::Described;
use finex_providers::manifest::Manifest;
use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

/// A gateway with all its planes, not yet listening.
pub struct App {
    pub config: Config,
    pub gateway: Arc<Gateway>,
    pub router: Arc<Router>,
    pub metrics: Arc<Metrics>,
    /// Series that were found on disk.
    pub restored: usize,
    schedules: Mutex<Vec<Schedule>>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the HTTP client cannot be made: {0}")]
    Client(#[from] reqwest::Error),
    #[error(
        "providers.{id}: there is no provider of this name; there are: {known}. Name its `manifest`, or its `base_url`"
    )]
    UnknownProvider { id: String, known: String },
    #[error("warm[{at}]: {detail}")]
    Warm { at: usize, detail: String },
    #[error("providers.{id}.manifest: {detail}")]
    Manifest { id: String, detail: String },
}

impl App {
    /// Builds everything in the order in which it depends on each other. `simulated` marks every answer.
    pub fn build(config: Config, clock: Clock, simulated: bool) -> Result<App, StartError> {
        let registry = registry(&config)?;
        let clocks = Clocks::new(clock);
        let clock = clocks.clock();
        let metrics = Arc::new(Metrics::new());
        let events = Events::new(metrics.clone());
        let memory = Memory::new(config.cache.l1.max_memory.0, clock.clone(), &metrics);
        let disk = match config.cache.l3.kind {
            DiskKind::Off => None,
            DiskKind::Parquet => {
                let disk = Disk::open(&data_dir(&config), registry.clone())?;
                Some((disk, config.cache.l3.max_size.0))
            }
        };
        let catalog = Arc::new(Catalog::new(registry.clone()));
        let restored = disk.as_ref().map_or(0, |(disk, _)| catalog.restore(disk, clock()));
        let tiers = Tiers::new(memory, disk, catalog, events.clone(), metrics.clone());
        let mut fetchers = BTreeMap::new();
        for provider in registry.iter() {
            let id = provider.manifest().id.clone();
            let Some(settings) = config.providers.get(&id).filter(|settings| settings.enabled) else { continue };
            let fetcher = Fetcher::new(provider.clone(), settings, clock.clone(), &metrics, events.clone())?;
            fetchers.insert(id, Arc::new(fetcher));
        }
        let keeps = config.cache.l3.kind == DiskKind::Parquet;
        let spent = keeps.then(|| SpentFile::new(data_dir(&config)));
        let gateway = Gateway::new(tiers, fetchers, &config, clocks, events, Arc::new(Alone::default()), spent);
        gateway.restore_spent();
        let schedules = schedules(&config, &gateway)?;
        let scopes = match config.cache.l3.kind {
            DiskKind::Off => ScopeNames::default(),
            DiskKind::Parquet => ScopeNames::open(&data_dir(&config).join(SCOPE_SECRET)),
        };
        let token = config.admin.token.clone();
        let router = Arc::new(Router::new(gateway.clone(), metrics.clone(), token, scopes, simulated));
        Ok(App { config, gateway, router, metrics, restored, schedules: Mutex::new(schedules) })
    }

    /// Starts to listen.
    pub async fn listen(&self) -> io::Result<Listening> {
        self.gateway.watch_spending();
        self.gateway.watch_habits();
        self.gateway.keep_within_budget();
        self.gateway.watch_disk();
        self.gateway
            .follow_schedules(std::mem::take(&mut self.schedules.lock().unwrap_or_else(PoisonError::into_inner)));
        if self.config.cache.l1.wake_up {
            self.gateway.wake_up();
        }
        listen(&self.config.server, self.router.clone()).await
    }
}

/// What the settings want to be fetched at set times.
fn schedules(config: &Config, gateway: &Gateway) -> Result<Vec<Schedule>, StartError> {
    let one = |(at, warm): (usize, &config::Warm)| {
        let fault = |detail: String| StartError::Warm { at, detail };
        let fetcher = gateway.fetcher(&warm.provider);
        let fetcher = fetcher.ok_or_else(|| fault(format!("there is no provider named {}", warm.provider)))?;
        let interval =
            warm.interval.parse().map_err(|e: finex_core::calendar::UnknownInterval| fault(e.to_string()))?;
        let series = warm.symbols.iter().map(|symbol| fetcher.provider.series(symbol, interval).map(Arc::new));
        let series: Vec<_> = series.collect::<Result<_, _>>().map_err(|e| fault(e.to_string()))?;
        let times = croner::Cron::from_str(&warm.cron);
        let times = times.map_err(|e| fault(format!("`{}` is no time as `5 0 * * *`: {e}", warm.cron)))?;
        Ok(Schedule { series, since: warm.since.as_millis(), times })
    };
    config.warm.iter().enumerate().map(one).collect()
}

/// A secret from which scopes are named, beside the fragments.
const SCOPE_SECRET: &str = ".scope.secret";

/// Providers with what the settings change of their facts: those built in, and those of the settings' own manifests.
fn registry(config: &Config) -> Result<Registry, StartError> {
    let adjust = |manifest: &mut Manifest| adjust(config, manifest);
    let mut registry = Registry::builtin(adjust);
    for (id, settings) in &config.providers {
        let fault = |detail: String| StartError::Manifest { id: id.clone(), detail };
        let manifest = match (settings.manifest.as_os_str().is_empty(), registry.get(id)) {
            (false, _) => std::fs::read_to_string(&settings.manifest)
                .map_err(|e| fault(format!("cannot read {}: {e}", settings.manifest.display())))?,
            (true, Some(_)) => continue,
            // Of whom nothing else is known, everything is passed through.
            (true, None) if !settings.base_url.is_empty() => Manifest::plain(id, &settings.base_url),
            (true, None) => {
                let known: Vec<&str> = registry.iter().map(|provider| provider.manifest().id.as_str()).collect();
                return Err(StartError::UnknownProvider { id: id.clone(), known: known.join(", ") });
            }
        };
        let mut manifest = Manifest::parse(&manifest).map_err(|e| fault(e.to_string()))?;
        if manifest.id != *id {
            return Err(fault(format!("it is the manifest of `{}`: call it providers.{0}", manifest.id)));
        }
        adjust(&mut manifest);
        registry.add(Arc::new(Described::new(manifest).map_err(fault)?));
    }
    Ok(registry)
}

fn adjust(config: &Config, manifest: &mut Manifest) {
    let Some(settings) = config.providers.get(&manifest.id) else { return };
    if !settings.base_url.is_empty() {
        manifest.base_url.clone_from(&settings.base_url);
        // Whoever stands in for a provider stands in for all of its hosts.
        if let Some(session) = &mut manifest.session {
            session.cookie_url = format!("{}/", settings.base_url.trim_end_matches('/'));
        }
    }
    for limit in &mut manifest.limits {
        limit.quota = settings.limits.get(&limit.name).copied().unwrap_or(limit.quota);
    }
}

/// Where fragments are kept if the settings do not say.
fn data_dir(config: &Config) -> PathBuf {
    if !config.cache.l3.path.as_os_str().is_empty() {
        return config.cache.l3.path.clone();
    }
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".local/share"));
    let base = std::env::var_os("XDG_DATA_HOME").map(PathBuf::from).filter(|path| path.is_absolute()).or_else(home);
    base.unwrap_or_else(|| PathBuf::from(".")).join("finex")
}
