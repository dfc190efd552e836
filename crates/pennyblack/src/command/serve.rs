//! `pennyblack serve`: runs the server in the foreground.

use super::config::load;
use crate::cli::Global;
use crate::outcome::{Failure, Outcome};
use server::run::{Parts, Server};
use std::process::ExitCode;

pub(crate) fn run(global: &Global) -> Outcome {
    let loaded = load(&global.file())?;
    let _flush = server::log::start(&loaded.config.log);
    for warning in &loaded.warnings {
        tracing::warn!("{}", warning.at(&loaded.path));
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|why| Failure::failed(format!("cannot start the runtime: {why}")))?;
    let parts = Parts {
        file: Some(loaded.path),
        ..Parts::real()
    };
    runtime.block_on(async {
        let server = Server::start(loaded.config, parts)
            .await
            .map_err(|why| Failure::with_code(why.exit_code(), why))?;
        server.run_until_signal().await.map_err(Failure::failed)?;
        Ok(ExitCode::SUCCESS)
    })
}
