//! Reading settings and certificates again, all or nothing (X32).

use super::Running;
use crate::Services;
use crate::config::{Applies, Certificate, Config, Faults, SETTINGS};
use crate::control::{World, tables};
use crate::session::tls::TlsError;
use std::fs::File;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

/// How often certificate files are looked at (X32: within a minute).
const LOOK: Duration = Duration::from_secs(30);
/// How often the local CA's certificate is looked at (L5).
const DAY: Duration = Duration::from_secs(24 * 3600);

/// What a reload did.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct Reloaded {
    /// Settings that have changed.
    pub changed: Vec<String>,
    /// Settings that have changed in the file but need a restart.
    pub after_restart: Vec<String>,
    /// Warnings about the file, each with its place.
    pub warnings: Vec<String>,
}

/// Why a reload changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReloadError {
    /// The file is wrong.
    #[error("{0}")]
    Config(#[from] Faults),
    /// A certificate or key is.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// A fault of the program.
    #[error("reading failed: {0}")]
    Broken(String),
}

impl Running {
    /// Reads everything again. On an error all stays as it is, and the log says what is wrong.
    pub(crate) async fn reload(self: &Arc<Self>) -> Result<Reloaded, ReloadError> {
        let _one_at_a_time = self.reloading.lock().await;
        let running = self.clone();
        let result = tokio::task::spawn_blocking(move || running.try_reload())
            .await
            .unwrap_or_else(|why| Err(ReloadError::Broken(why.to_string())));
        if result.is_ok() {
            self.services.login.forget_sha1().await;
            tables::take_in_all(&World::of(self)).await;
        }
        match &result {
            Ok(done) => tracing::info!(
                changed = done.changed.join(" "),
                after_restart = done.after_restart.join(" "),
                "reloaded"
            ),
            Err(why) => why.to_string().lines().for_each(|line| {
                tracing::error!(error = line, "reload failed, the old settings stay")
            }),
        }
        result
    }

    fn try_reload(&self) -> Result<Reloaded, ReloadError> {
        let old = self.services.config.load_full();
        let mut done = Reloaded::default();
        let new = match &self.file {
            Some(file) => {
                let loaded = Config::load(file)?;
                done.warnings = loaded
                    .warnings
                    .iter()
                    .map(|warning| warning.at(file))
                    .collect();
                merge(&old, loaded.config, &mut done)
            }
            None => Config::clone(&old),
        };
        match only_root_reads(&old, &new) {
            Some(file) => done.warnings.push(format!(
                "certificates were not read again, since {file} can be read by root alone: restart the server after changing them"
            )),
            None => self.services.tls.reload(&new)?,
        }
        self.services.limits.configure(&new.limits);
        self.services.gate.configure(&new);
        self.services.countries.configure(&new);
        self.services.login.configure(&new);
        crate::log::set_level(&new.log.level);
        self.services.store.keep_removed(new.mail.kept_removed());
        self.services.config.store(Arc::new(new));
        self.services.jobs.settings_changed();
        // A key may have to wait, or may not any more.
        self.services.jobs.want(crate::jobs::dane::JOB);
        // Quotas may have changed with the settings.
        self.services.jobs.want(crate::quota::JOB);
        Ok(done)
    }
}

/// L15: a certificate file that was read before privileges were dropped and cannot be read since. The settings can be reloaded all
/// the same as long as they name the same files.
fn only_root_reads(old: &Config, new: &Config) -> Option<String> {
    let unreadable = |file: &&PathBuf| matches!(File::open(file), Err(why) if why.kind() == io::ErrorKind::PermissionDenied);
    let mut files = new.tls.certificates.iter().flat_map(|c| [&c.cert, &c.key]);
    let file = files.find(unreadable).filter(|_| new.tls == old.tls);
    file.map(|file| file.display().to_string())
}

/// The new settings, but the old ones where a change needs a restart.
fn merge(old: &Config, mut new: Config, done: &mut Reloaded) -> Config {
    for setting in SETTINGS.iter() {
        let (was, is) = (setting.value(old), setting.value(&new));
        if was == is {
            continue;
        }
        if setting.applies == Applies::Reload {
            done.changed.push(setting.key.into());
        } else {
            done.after_restart.push(setting.key.into());
            if let Err(why) = new.set(setting.key, &was) {
                tracing::error!(
                    setting = setting.key,
                    error = why,
                    "a setting in force cannot be read again"
                );
            }
        }
    }
    new
}

/// Reloads certificates when their files change, renews the local CA's daily if it is due, and shows when they expire;
/// until the server stops.
pub(super) async fn watch_certificates(running: Arc<Running>) {
    let services = &running.services;
    let mut seen = changed_at(&services.config.load().tls.certificates);
    let mut renewed = Instant::now();
    loop {
        show_expiries(services);
        let pause = tokio::time::sleep(LOOK);
        if services.shutdown.run_until_cancelled(pause).await.is_none() {
            return;
        }
        let config = services.config.load_full();
        let now = changed_at(&config.tls.certificates);
        if now != seen {
            reload_certificates(services, &config);
            seen = now;
        } else if config.tls.certificates.is_empty() && renewed.elapsed() >= DAY {
            reload_certificates(services, &config);
            renewed = Instant::now();
        }
    }
}

fn reload_certificates(services: &Services, config: &Config) {
    match services.tls.reload(config) {
        Ok(()) => {
            services.jobs.want(crate::jobs::dane::JOB);
            tracing::info!("certificates reloaded");
        }
        Err(why) => {
            tracing::error!(error = %why, "changed certificates cannot be used, the old ones stay")
        }
    }
}

fn show_expiries(services: &Services) {
    let now = services.clock.now();
    for expiry in services.tls.expiries() {
        let left = expiry.at.duration_since(now);
        services
            .metrics
            .cert_expiry(&expiry.name, left.as_secs_f64());
    }
}

fn changed_at(certificates: &[Certificate]) -> Vec<Option<SystemTime>> {
    let files = certificates.iter().flat_map(|c| [&c.cert, &c.key]);
    files
        .map(|file| {
            std::fs::metadata(file)
                .and_then(|facts| facts.modified())
                .ok()
        })
        .collect()
}
