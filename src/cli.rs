//! The command line.

pub mod demo;
pub mod explain;
pub mod probe;
pub mod up;
pub mod warm;

use crate::config::{Config, ConfigError};
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "finex", version, about = "A caching gateway for financial market data", propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve, with the real providers
    #[command(alias = "serve")]
    Up(Settings),
    /// Show what finex does, with a simulated provider; needs no network
    Demo {
        /// Where to listen
        #[arg(long, default_value = "127.0.0.1:8080")]
        listen: String,
        /// Leave after the show instead of going on serving
        #[arg(long)]
        once: bool,
    },
    /// Print the plan for a URL; calls nobody
    Explain {
        /// A native or unified URL, such as /binance/api/v3/klines?symbol=BTCUSDT&interval=1h
        url: String,
        #[command(flatten)]
        settings: Settings,
    },
    /// Have a running gateway fetch history ahead of time, within what is left of the allowances
    Warm(warm::Wanted),
    /// Ask a provider until it refuses, to see its limits; uses up some of your allowance
    Probe(probe::Wanted),
    /// Check a configuration and print what is in force
    Check(Settings),
}

#[derive(Args, Default)]
pub struct Settings {
    /// TOML file with settings; the built-in defaults serve without one
    #[arg(long, env = "FINEX_CONFIG")]
    config: Option<PathBuf>,
    /// Where to listen
    #[arg(long)]
    listen: Option<String>,
    /// Where fragments are kept
    #[arg(long)]
    data_dir: Option<PathBuf>,
}

impl Settings {
    /// Defaults, file, environment, flags: the later wins.
    fn load(&self) -> Result<Config, ConfigError> {
        let file = self.config.as_deref().or_else(|| Some(Path::new("finex.toml")).filter(|path| path.exists()));
        let mut config = Config::load(file, std::env::vars())?;
        if let Some(listen) = &self.listen {
            config.server.listen.clone_from(listen);
        }
        if let Some(path) = &self.data_dir {
            config.cache.l3.path.clone_from(path);
        }
        Ok(config)
    }
}

/// Exit code for an unusable configuration, as service managers know it (sysexits EX_CONFIG).
const EX_CONFIG: u8 = 78;

/// Runs the command of this process.
#[allow(clippy::print_stderr, reason = "a command line speaks to its terminal")]
pub fn run() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(settings) => settings.load().map_err(Failed::from).and_then(up::run),
        Command::Demo { listen, once } => demo::run(listen, once),
        Command::Explain { url, settings } => settings.load().map_err(Failed::from).and_then(|c| explain::run(c, &url)),
        Command::Warm(wanted) => warm::run(&wanted),
        Command::Probe(wanted) => probe::run(&wanted),
        Command::Check(settings) => settings.load().map_err(Failed::from).and_then(|c| check(&c)),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("finex: {failed}");
            if matches!(failed, Failed::Config(_)) { ExitCode::from(EX_CONFIG) } else { ExitCode::FAILURE }
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Start(#[from] crate::app::StartError),
    #[error("{0}")]
    Io(#[from] std::io::Error),
    #[error("{0}")]
    Other(String),
}

#[allow(clippy::print_stdout, reason = "a command line speaks to its terminal")]
fn check(config: &Config) -> Result<(), Failed> {
    let text = toml::to_string(config).map_err(|e| Failed::Other(e.to_string()))?;
    print!("{text}");
    Ok(())
}

/// The runtime that everything runs on.
fn runtime() -> Result<tokio::runtime::Runtime, Failed> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}
