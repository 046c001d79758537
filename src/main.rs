use std::process::ExitCode;

fn main() -> ExitCode {
    finex::cli::run()
}
