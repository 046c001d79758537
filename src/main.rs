use std::process::ExitCode;

/// A hit makes some thirty small allocations on whichever worker has it; the system's allocator spends a tenth of the
/// time of a hit on its locks (`benches/http/run`).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    finex::cli::run()
}
