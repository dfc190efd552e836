//! The steps of a start, each with the error it can meet.

use super::instance::LOCK_FILE;
use super::privileges::{self, Target};
use super::resolver::resolver;
use super::{Instance, LockError, Parts, Running, Server, limits, notify};
use crate::config::Config;
use crate::countries::CountryList;
use crate::filter::Filter;
use crate::gate::Gate;
use crate::learning::Models;
use crate::listen::{self, Bound, Socket};
use crate::session::limits::Limits;
use crate::session::login::{Authenticator, Means};
use crate::session::metrics::Metrics;
use crate::session::tls::{Tls, TlsError};
use crate::signing::SigningKeys;
use crate::{Paused, Services, control, jobs};
use std::net::SocketAddr;
use std::sync::Arc;
use store::domain::Domain;
use store::{Options, Store};
use tokio_util::sync::CancellationToken;

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The settings cannot work on this machine.
    #[error("{0}")]
    Config(String),
    /// Another server has the data directory.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// Ports that cannot be had; one sentence each.
    #[error("{}", .0.join("\n"))]
    Bind(Vec<String>),
    /// Certificates or keys.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// The store.
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The operating system.
    #[error("{what}: {why}")]
    System {
        /// What was tried.
        what: String,
        /// What it said.
        why: std::io::Error,
    },
}

impl StartError {
    /// The exit code of `serve` (X33): 78 where only a changed configuration helps, 75 if another instance runs
    /// or the store cannot be reached now, else 1.
    pub fn exit_code(&self) -> u8 {
        match self {
            StartError::Config(_) | StartError::Tls(_) => 78,
            StartError::Lock(LockError::Held { .. }) => 75,
            StartError::Store(why) if why.is_temporary() => 75,
            _ => 1,
        }
    }
}

fn system<T>(what: impl Into<String>) -> impl FnOnce(T) -> StartError
where
    std::io::Error: From<T>,
{
    |why| StartError::System {
        what: what.into(),
        why: why.into(),
    }
}

pub(super) async fn start(config: Config, parts: Parts) -> Result<Server, StartError> {
    limits::raise_descriptors();
    let target = privileges::target(config.user.as_deref()).map_err(StartError::Config)?;
    let instance = claim(&config, target.as_ref()).await?;
    let sockets = listen::bind(&config).map_err(StartError::Bind)?;
    let manage = control::http::bind(&config.listen.manage).map_err(StartError::Bind)?;
    for (_, path) in &bound(&sockets).sockets {
        privileges::give(path, target.as_ref()).map_err(system(format!(
            "cannot give {} to the user",
            path.display()
        )))?;
    }
    make_spool(&config, target.as_ref());
    // Configured keys are often readable by root alone; our own authority is made by the user we become.
    let early = (!config.tls.certificates.is_empty())
        .then(|| Tls::load(&config))
        .transpose()?;
    let options = store_options(&config)?;
    if let Some(user) = &target {
        privileges::become_user(user).map_err(system("cannot become the user of the settings"))?;
    } else if rustix::process::geteuid().is_root() {
        tracing::warn!("running as root, as `user` in the configuration says");
    }
    let tls = early.map_or_else(|| Tls::load(&config), Ok)?;
    let store = open_store(options).await?;
    store.keep_removed(config.mail.kept_removed());
    add_domain(&store, &config.domain).await?;
    let clock = parts.clock.clone();
    store.use_clock(move || clock.now());
    let mut bound = bound(&sockets);
    bound.manage = local_addresses(&manage)?;
    let services = services(config, &parts, store, tls)?;
    let metrics = services.metrics.clone();
    services
        .store
        .observe_commits(move |took| metrics.store_commit(took));
    let metrics = services.metrics.clone();
    services.store.observe_syncs(move || metrics.store_sync());
    crate::quota::watch(&services);
    let ears = Ears { sockets, manage };
    begin(services, parts, bound, ears, instance).await
}

/// What listens, before anybody accepts.
struct Ears {
    sockets: Vec<Socket>,
    manage: Vec<std::net::TcpListener>,
}

fn local_addresses(listeners: &[std::net::TcpListener]) -> Result<Vec<SocketAddr>, StartError> {
    let addresses = listeners.iter().map(std::net::TcpListener::local_addr);
    let addresses: std::io::Result<Vec<_>> = addresses.collect();
    addresses.map_err(system("cannot tell a listener's address"))
}

/// Makes the data directory and takes its lock.
async fn claim(config: &Config, target: Option<&Target>) -> Result<Instance, StartError> {
    let data = &config.data;
    privileges::data_directory(data, target)
        .map_err(system(format!("cannot make {}", data.display())))?;
    let instance = Instance::lock_for_server(data).await?;
    privileges::give(&data.join(LOCK_FILE), target)
        .map_err(system("cannot give the lock to the user"))?;
    Ok(instance)
}

/// X14. Without the folder mail is taken all the same while the server runs, so that is no reason not to start.
fn make_spool(config: &Config, target: Option<&Target>) {
    let Some(folder) = &config.local.spool else {
        return;
    };
    // Who gives a folder away takes special modes off it, so they come last; both are the user's own by then.
    let made = std::fs::create_dir_all(folder)
        .and_then(|()| privileges::give(folder, target))
        .and_then(|()| crate::local::spool::make(folder));
    if let Err(why) = made {
        tracing::warn!(
            folder = %folder.display(), error = %why,
            "programs cannot leave mail for a time when the server does not run; `local.spool` names another folder"
        );
    }
}

/// What the store is opened with; the key file is read here.
pub(super) fn store_options(config: &Config) -> Result<Options, StartError> {
    let key = super::key::load(config)?;
    Ok(Options {
        data: config.data.clone(),
        engine: config.store.engine.clone(),
        key,
        free_floor: config.store.free_floor,
    })
}

pub(super) async fn open_store(options: Options) -> Result<Store, StartError> {
    let opened = tokio::task::spawn_blocking(move || Store::open(&options)).await;
    let store = opened.map_err(|why| store::Error::Bug(format!("opening it failed: {why}")))??;
    Ok(store)
}

/// The domain of the settings is hosted from the first start on.
pub(super) async fn add_domain(store: &Store, name: &str) -> Result<(), store::Error> {
    let domain = Domain {
        name: name.to_owned(),
        alias_of: None,
        active: true,
    };
    let add = move |tx: &mut store::Tx<'_>| match store::domain::by_name(tx, &domain.name)? {
        Some(_) => Ok(()),
        None => store::domain::add(tx, &domain),
    };
    store.write(add).await
}

fn bound(sockets: &[Socket]) -> Bound {
    let mut bound = Bound::default();
    for socket in sockets {
        bound.add(socket.kind, &socket.place);
    }
    bound
}

fn services(
    config: Config,
    parts: &Parts,
    store: Store,
    tls: Tls,
) -> Result<Arc<Services>, StartError> {
    let metrics = Metrics::new();
    let dns = parts.dns.clone().map_or_else(|| resolver(&config), Ok)?;
    let tls = Arc::new(tls);
    let means = Means {
        dns: dns.clone(),
        tls: tls.clone(),
        clock: parts.clock.clone(),
    };
    let login = Authenticator::new(&config, store.clone(), metrics.clone(), means)
        .map_err(system("cannot set up log-ins"))?;
    let models: Arc<Models> = Arc::default();
    Ok(Arc::new(Services {
        scripts: Arc::default(),
        login,
        sessions: Default::default(),
        recorder: Default::default(),
        limits: Limits::new(&config.limits),
        gate: Gate::new(&config),
        countries: CountryList::new(&config),
        filter: Filter::of(models.clone()),
        models,
        keys: SigningKeys::default(),
        dns,
        clock: parts.clock.clone(),
        metrics,
        quota_due: Default::default(),
        jobs: jobs::Jobs::default(),
        recents: Default::default(),
        routes: Default::default(),
        governor: Default::default(),
        express: Default::default(),
        in_flight: Default::default(),
        refusals: Default::default(),
        tls_results: Default::default(),
        dmarc_results: Default::default(),
        report_turn: Default::default(),
        paused: Paused::default(),
        shutdown: CancellationToken::new(),
        config: Arc::new(config).into(),
        store,
        tls,
    }))
}

/// Opens the doors.
async fn begin(
    services: Arc<Services>,
    parts: Parts,
    bound: Bound,
    ears: Ears,
    instance: Instance,
) -> Result<Server, StartError> {
    let socket = services.config.load().control_socket.clone();
    let control = control::bind(&socket).map_err(system(format!(
        "cannot make the control socket {}",
        socket.display()
    )))?;
    services.gate.load(&services.store).await?;
    jobs::recall_refusals(&services).await?;
    services.login.forget_sha1().await;
    control::tables::take_in_all(&control::World::without_server(&services)).await;
    let doors = listen::open(ears.sockets, &services).map_err(system("cannot listen"))?;
    let running = Arc::new(Running {
        services: services.clone(),
        bound,
        doors,
        file: parts.file,
        started: services.clock.now(),
        reloading: tokio::sync::Mutex::default(),
    });
    let mut tasks = jobs::start(&services);
    tasks.push(tokio::spawn(control::serve(control, running.clone())));
    for listener in ears.manage {
        let listener = tokio::net::TcpListener::from_std(listener)
            .map_err(system("cannot listen for monitoring"))?;
        tasks.push(tokio::spawn(control::http::serve(
            listener,
            running.clone(),
        )));
    }
    tasks.push(tokio::spawn(notify::watch(running.clone())));
    tasks.push(tokio::spawn(super::reload::watch_certificates(
        running.clone(),
    )));
    Ok(Server {
        services,
        running,
        jobs: tasks,
        _instance: instance,
    })
}
