//! `finex explain`: what is on disk, what is missing, which calls would bring it.

use super::Failed;
use crate::app::App;
use crate::config::Config;
use crate::observe::system_clock;

#[allow(clippy::print_stdout, reason = "a command line speaks to its terminal")]
pub fn run(config: Config, url: &str) -> Result<(), Failed> {
    // The clients of the fetch stack want a runtime to be born in, though none of them is used.
    let runtime = super::runtime()?;
    let _inside = runtime.enter();
    let app = App::build(config, system_clock(), false)?;
    let (parts, ()) = http::Request::new(()).into_parts();
    let explained = app.router.explain_url(url, &parts).map_err(|problem| Failed::Other(problem.detail))?;
    println!("{explained:#}");
    Ok(())
}
